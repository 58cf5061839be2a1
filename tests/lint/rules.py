"""The house rules of CONTRIBUTING.md that a program can check.

Each rule is a function from a Source to findings (line, text). Functions are found by their
layout, which clang-format fixes: a head that ends in '{', and a '}' with the indentation of the
head. That is far less than a parser, and enough for a count of lines.
"""

import ast
import dataclasses
import pathlib
import re
import subprocess

FILE_LIMIT_LINES = 800
FUNCTION_LIMIT_LINES = 70
LINE_LIMIT_COLUMNS = 100
SHOWN_BY_FILE = 20

CPP = {".cpp", ".hpp"}
CODE = CPP | {".py", ".cmake", ".sh"}
# Written so that this file does not break its own rule.
FORBIDDEN_WORDS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
FORBIDDEN = re.compile(r"\b(" + "|".join(FORBIDDEN_WORDS) + r")\b")

# Third-party headers, and the directories that may see them.
THIRD_PARTY = {
    "boost/beast": ("src/http",),
    "libvirt/": ("src/hypervisor/libvirt", "tests/hypervisor"),
    "sqlite3.h": ("src/store/sqlite",),
    "pugixml.hpp": ("src/vim", "src/hypervisor"),
    "spdlog/": ("src/base",),
    "CLI/": ("src/cli", "bin"),
    "crypt.h": ("src/service",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


@dataclasses.dataclass
class Source:
    path: str      # from the top of the tree, with slashes
    text: str

    @property
    def suffix(self):
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def is_code(self):
        if self.suffix == "":
            return self.text.startswith("#!")
        return self.suffix in CODE or self.path.endswith("CMakeLists.txt")


def file_length(source):
    count = len(source.lines)
    if source.is_code and count > FILE_LIMIT_LINES:
        yield 1, f"the file has {count} lines, more than {FILE_LIMIT_LINES}"


def line_length(source):
    if not source.is_code:
        return
    is_table = False  # laid out by hand, so that each row stands in a line of its own
    for number, line in enumerate(source.lines, 1):
        if line.strip().startswith("// clang-format "):
            is_table = line.strip().endswith("off")
        if len(line) > LINE_LIMIT_COLUMNS and not is_table:
            yield number, f"the line has {len(line)} columns, more than {LINE_LIMIT_COLUMNS}"


def tabs(source):
    if source.suffix not in CPP | {".py", ".cmake", ".vmodl"}:
        return
    for number, line in enumerate(source.lines, 1):
        if "\t" in line:
            yield number, "a tab; indent with spaces"


def line_ends(source):
    if source.suffix not in CPP | {".py", ".cmake", ".md", ".vmodl"}:
        return
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "the last line has no end"
    for number, line in enumerate(source.lines, 1):
        if line.endswith((" ", "\r")) and source.suffix != ".md":
            yield number, "blanks at the end of the line"


def forbidden_words(source):
    if not source.is_code and source.suffix != ".md":
        return
    # The rule has to name the words somewhere.
    if source.path == "CONTRIBUTING.md":
        return
    for number, line in enumerate(source.lines, 1):
        for word in FORBIDDEN.findall(line):
            yield number, f"'{word}': finish it, or write an issue"


def pragma_once(source):
    if source.suffix == ".hpp" and "#pragma once" not in source.lines:
        yield 1, "a header without #pragma once"


def third_party(source):
    if source.suffix not in CPP:
        return
    folder = str(pathlib.PurePosixPath(source.path).parent) + "/"
    for number, line in enumerate(source.lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        for header, homes in THIRD_PARTY.items():
            at_home = any(folder.startswith(home + "/") for home in homes)
            if match.group(1).startswith(header) and not at_home:
                yield number, f"{match.group(1)} is included outside {' and '.join(homes)}"


def blank_out(text):
    """The text with comments and the insides of literals made blank; line breaks stay."""
    pattern = re.compile(r'R"([^(\s]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                         r"|(?<![\w'])'(?:\\.|[^'\\\n])'", re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def indentation(line):
    return len(line) - len(line.lstrip(" "))


def head_of(lines, at):
    """The first line of the statement that ends in line `at`."""
    first = at
    while first > 0:
        before = lines[first - 1].strip()
        if not before or before.endswith((";", "{", "}")) or before.startswith("#"):
            break
        if re.fullmatch(r"(public|private|protected):", before):
            break
        first -= 1
    return first


def is_function(head):
    """Whether a statement that ends in '{' begins a function, going by its text."""
    head = head.strip()
    if "(" not in head or re.match(r"(namespace|class|struct|union|enum|extern)\b", head):
        return False
    return not re.search(r"(=|\]|,|\()\s*\{$", head)


def functions(text):
    """(first line, last line, head) of all functions, those inside of others left out."""
    lines = blank_out(text).split("\n")
    found, at = [], 0
    while at < len(lines):
        if not lines[at].rstrip().endswith("{"):
            at += 1
            continue
        first = head_of(lines, at)
        head = " ".join(line.strip() for line in lines[first:at + 1])
        if not is_function(head):
            at += 1
            continue
        margin = indentation(lines[first])
        last = next((i for i in range(at + 1, len(lines))
                     if lines[i].startswith(" " * margin + "}")), None)
        if last is None:
            at += 1
            continue
        found.append((first + 1, last + 1, head))
        at = last + 1
    return found


def function_length(source):
    if source.suffix in CPP:
        for first, last, head in functions(source.text):
            if last - first + 1 > FUNCTION_LIMIT_LINES:
                yield first, (f"a function of {last - first + 1} lines, more than "
                              f"{FUNCTION_LIMIT_LINES}: {head[:60]}")
    elif source.suffix == ".py" or source.text.startswith("#!/usr/bin/python3"):
        for node in ast.walk(ast.parse(source.text)):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            count = node.end_lineno - node.lineno + 1
            if count > FUNCTION_LIMIT_LINES:
                yield node.lineno, (f"a function of {count} lines, more than "
                                    f"{FUNCTION_LIMIT_LINES}: {node.name}")


RULES = (file_length, line_length, tabs, line_ends, forbidden_words, pragma_once, third_party,
         function_length)


def check_source(source):
    return [(source.path, line, text) for rule in RULES for line, text in rule(source)]


def check_tree(paths):
    """What must be true of the whole tree, given all its paths."""
    libraries = sorted({path.split("/")[1] for path in paths
                        if path.startswith("src/") and path.count("/") >= 2})
    for library in libraries:
        inside = [path for path in paths if path.startswith(f"src/{library}/")]
        if f"src/{library}/README.md" not in inside:
            yield f"src/{library}", 0, "a directory of src/ without a README.md"
        if not any(path.endswith("_test.cpp") for path in inside):
            yield f"src/{library}", 0, "a directory of src/ without a *_test.cpp"


def files_of(top):
    """All files of the tree, those that are not yet known to git as well."""
    listed = subprocess.run(
        ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True).stdout.decode()
    return sorted({path for path in listed.split("\0") if path and (top / path).is_file()})


def main(top, only):
    paths = files_of(top)
    findings = list(check_tree(paths))
    for path in paths:
        try:
            text = (top / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        findings += check_source(Source(path, text))
    if only:
        findings = [f for f in findings if any(f[0].startswith(prefix) for prefix in only)]
    shown = {}
    for path, line, text in findings:
        shown[path] = shown.get(path, 0) + 1
        if shown[path] <= SHOWN_BY_FILE:
            print(f"{path}:{line}: {text}")
    for path, count in shown.items():
        if count > SHOWN_BY_FILE:
            print(f"{path}: {count - SHOWN_BY_FILE} more")
    return 1 if findings else 0

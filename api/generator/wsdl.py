"""Writes the description of the service that SOAP libraries read: WSDL and XML Schema.

The files have the names and the division that vSphere gives them, because clients fetch them by
name. They speak for one release, the newest that is served: the SOAPAction that a library takes
from them says so with every request, and the server answers with nothing that is not in them.
"""

import gzip
import hashlib

from .resolve import wire_type
from .schema import version_key

# The newest release that is served; src/service/sdk_endpoint_test.cpp compares it.
RELEASE = "8.0.3.0"

NAMESPACES = ('xmlns:vim25="urn:vim25" xmlns:xsd="http://www.w3.org/2001/XMLSchema"')
SCHEMA_START = ('<?xml version="1.0" encoding="UTF-8"?>\n'
                '<schema targetNamespace="urn:vim25" xmlns="http://www.w3.org/2001/XMLSchema" '
                f'{NAMESPACES} elementFormDefault="qualified">\n')
SCHEMA_END = "</schema>\n"
# What each file of types rests on.
INCLUDED = {"core-types.xsd": [], "query-types.xsd": ["core-types.xsd"],
            "vim-types.xsd": ["query-types.xsd"], "query-messagetypes.xsd": ["query-types.xsd"],
            "vim-messagetypes.xsd": ["vim-types.xsd"]}
COLLECTOR = ("PropertyCollector", "PropertyFilter")
# What vSphere has no word for: between hosts and centers alone, foreign libraries need not see it.
OUR_OWN = "Drover"
PRIMITIVE_ARRAYS = ("anyType", "boolean", "byte", "double", "int", "long", "short", "string")

CORE_TYPES = """\
 <complexType name="ManagedObjectReference">
  <simpleContent>
   <extension base="xsd:string">
    <attribute name="type" type="xsd:string"/>
   </extension>
  </simpleContent>
 </complexType>
"""

SERVICE = """\
<?xml version="1.0" encoding="UTF-8"?>
<definitions targetNamespace="urn:vim25Service" xmlns="http://schemas.xmlsoap.org/wsdl/" \
xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:interface="urn:vim25">
 <import location="vim.wsdl" namespace="urn:vim25"/>
 <service name="VimService">
  <port binding="interface:VimBinding" name="VimPort">
   <soap:address location="https://localhost/sdk/vimService"/>
  </port>
 </service>
</definitions>
"""


def array_name(name):
    """ArrayOfInt, ArrayOfManagedObjectReference, ArrayOfVirtualDevice."""
    return "ArrayOf" + name[0].upper() + name[1:]


class Description:
    """All of the files of one interface."""

    def __init__(self, resolved, release=RELEASE):
        self.resolved = resolved
        self.release = release
        self.newest = version_key(release)
        self.managed = [item for _, kind, item in resolved.ordered
                        if kind == "managed" and item is not None and self.known(item.since)
                        and not item.name.startswith(OUR_OWN)]
        self.types = [item for _, kind, item in resolved.ordered
                      if kind in ("data", "enum") and self.known(item.since)
                      and item.name != "ManagedObjectReference"
                      and not item.name.startswith(OUR_OWN)]
        self.methods = sorted(((item, method) for item in self.managed for method in item.methods
                               if self.known(method.since)), key=lambda pair: pair[1].name)
        self.faults = [item for item in self.types if self.is_fault(item)]

    def known(self, since):
        return version_key(since) <= self.newest

    def is_fault(self, item):
        while item is not None and item.name != "MethodFault":
            item = self.resolved.types.get(item.base)
        return item is not None

    def wire_name(self, ref):
        """The name of an element's type; None if the release does not know it."""
        ref = wire_type(ref)
        if ref.reference:
            return "vim25:ManagedObjectReference"
        found = self.resolved.types.get(ref.name)
        if found is None:
            return "xsd:" + ("base64Binary" if ref.name == "binary" else ref.name)
        return "vim25:" + ref.name if self.known(found.since) else None

    def element(self, name, ref, optional, indent):
        kind = self.wire_name(ref)
        if kind is None:
            return ""
        least = ' minOccurs="0"' if optional else ""
        most = ' maxOccurs="unbounded"' if ref.array else ""
        return f'{indent}<element name="{name}" type="{kind}"{least}{most}/>\n'

    def elements(self, members, indent):
        return "".join(self.element(member.name, member.type, member.optional, indent)
                       for member in members if self.known(member.since))

    def data(self, item):
        if item.kind == "enum":
            values = "".join(f'   <enumeration value="{value}"/>\n'
                             for value, since in item.values if self.known(since))
            return (f' <simpleType name="{item.name}">\n  <restriction base="xsd:string">\n'
                    f"{values}  </restriction>\n </simpleType>\n")
        if not item.base:
            inner = self.elements(item.members, "   ")
            return (f' <complexType name="{item.name}">\n  <sequence>\n{inner}  </sequence>\n'
                    " </complexType>\n")
        inner = self.elements(item.members, "     ")
        return (f' <complexType name="{item.name}">\n  <complexContent>\n'
                f'   <extension base="vim25:{item.base}">\n    <sequence>\n{inner}'
                "    </sequence>\n   </extension>\n  </complexContent>\n </complexType>\n")

    def array(self, name, kind):
        return (f' <complexType name="{array_name(name)}">\n  <sequence>\n'
                f'   <element name="{name}" type="{kind}" minOccurs="0" maxOccurs="unbounded"/>\n'
                "  </sequence>\n </complexType>\n")

    def array_elements(self):
        """The types of which there are arrays anywhere in the interface, and their bases."""
        used = set()
        for item in self.types + self.managed:
            refs = [member.type for member in item.members]
            refs += [method.result for method in item.methods]
            refs += [param.type for method in item.methods for param in method.params]
            used.update(wire_type(ref).name for ref in refs if ref.array)
        for name in list(used):
            item = self.resolved.types.get(name)
            while item is not None and item.base:
                used.add(item.base)
                item = self.resolved.types.get(item.base)
        return used

    def types_file(self, name):
        package = name.removesuffix("-types.xsd")
        arrays = self.array_elements()
        parts = []
        if package == "core":
            parts.append(CORE_TYPES)
            parts += [self.array(each, "xsd:" + each) for each in PRIMITIVE_ARRAYS]
            parts.append(self.array("ManagedObjectReference", "vim25:ManagedObjectReference"))
        for item in self.types:
            if (item.package if item.package in ("core", "query") else "vim") != package:
                continue
            parts.append(self.data(item))
            if item.name in arrays:
                parts.append(self.array(item.name, "vim25:" + item.name))
        return "".join(parts)

    def messages_file(self, name):
        """The types of requests."""
        parts = []
        for owner, method in self.methods:
            package = "query" if owner.name in COLLECTOR else "vim"
            if package != name.removesuffix("-messagetypes.xsd"):
                continue
            parts.append(
                f' <complexType name="{method.name}RequestType">\n  <sequence>\n'
                '   <element name="_this" type="vim25:ManagedObjectReference"/>\n'
                f'{self.elements(method.params, "   ")}  </sequence>\n </complexType>\n')
        return "".join(parts)

    def top_elements(self):
        parts = ['   <element name="versionURI" type="xsd:string"/>\n']
        for _, method in self.methods:
            parts.append(f'   <element name="{method.name}" '
                         f'type="vim25:{method.name}RequestType"/>\n'
                         f'   <element name="{method.name}Response">\n    <complexType>\n')
            if method.result.name != "void":
                result = self.element("returnval", method.result,
                                      method.result_optional or method.result.array, "      ")
                parts.append(f"     <sequence>\n{result}     </sequence>\n")
            parts.append("    </complexType>\n   </element>\n")
        parts += [f'   <element name="{item.name}Fault" type="vim25:{item.name}"/>\n'
                  for item in self.faults]
        return "".join(parts)

    def thrown(self, method):
        known = {item.name for item in self.faults}
        return ["RuntimeFault"] + [name for name in method.faults
                                   if name in known and name != "RuntimeFault"]

    def operations(self):
        """The operations of the port, and of the binding."""
        port, binding = [], []
        for _, method in self.methods:
            name, faults = method.name, self.thrown(method)
            port.append(f'  <operation name="{name}">\n'
                        f'   <input message="vim25:{name}RequestMsg"/>\n'
                        f'   <output message="vim25:{name}ResponseMsg"/>\n'
                        + "".join(f'   <fault name="{fault}" message="vim25:{fault}FaultMsg"/>\n'
                                  for fault in faults) + "  </operation>\n")
            binding.append(
                f'  <operation name="{name}">\n'
                f'   <soap:operation soapAction="urn:vim25/{self.release}" style="document"/>\n'
                '   <input><soap:body use="literal" parts="parameters"/></input>\n'
                '   <output><soap:body use="literal" parts="parameters"/></output>\n'
                + "".join(f'   <fault name="{fault}">'
                          f'<soap:fault name="{fault}" use="literal"/></fault>\n'
                          for fault in faults) + "  </operation>\n")
        return "".join(port), "".join(binding)

    def vim_wsdl(self):
        messages = [f' <message name="{item.name}FaultMsg">'
                    f'<part name="fault" element="vim25:{item.name}Fault"/></message>\n'
                    for item in self.faults]
        for _, method in self.methods:
            messages += [
                f' <message name="{method.name}RequestMsg">'
                f'<part name="parameters" element="vim25:{method.name}"/></message>\n',
                f' <message name="{method.name}ResponseMsg">'
                f'<part name="parameters" element="vim25:{method.name}Response"/></message>\n']
        port, binding = self.operations()
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<definitions targetNamespace="urn:vim25" xmlns="http://schemas.xmlsoap.org/wsdl/" '
            f'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" {NAMESPACES}>\n'
            ' <types>\n  <schema targetNamespace="urn:vim25" '
            f'xmlns="http://www.w3.org/2001/XMLSchema" {NAMESPACES} '
            'elementFormDefault="qualified">\n'
            '   <include schemaLocation="query-messagetypes.xsd"/>\n'
            '   <include schemaLocation="vim-messagetypes.xsd"/>\n'
            f"{self.top_elements()}  </schema>\n </types>\n{''.join(messages)}"
            f' <portType name="VimPortType">\n{port} </portType>\n'
            ' <binding name="VimBinding" type="vim25:VimPortType">\n'
            '  <soap:binding style="document" '
            'transport="http://schemas.xmlsoap.org/soap/http"/>\n'
            f"{binding} </binding>\n</definitions>\n")

    def files(self):
        """File name -> text."""
        made = {"vimService.wsdl": SERVICE, "vim.wsdl": self.vim_wsdl()}
        for name, included in INCLUDED.items():
            includes = "".join(f' <include schemaLocation="{each}"/>\n' for each in included)
            content = (self.types_file if name.endswith("-types.xsd") else self.messages_file)(name)
            made[name] = SCHEMA_START + includes + content + SCHEMA_END
        return made


def bytes_literal(data):
    """A C++ string literal in lines of bounded length."""
    lines = []
    for start in range(0, len(data), 24):
        octal = "".join(f"\\{byte:03o}" for byte in data[start:start + 24])
        lines.append(f'        "{octal}"')
    return "\n".join(lines)


def cpp(resolved):
    """The source file that holds the files, compressed, as src/vim/service_description.cpp sees
    them."""
    rows = []
    for name, text in Description(resolved).files().items():
        data = text.encode()
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:16]
        rows.append(f'    {{"{name}", "\\"{tag}\\"", {len(data)},\n     std::string_view(\n'
                    f"{bytes_literal(packed)},\n         {len(packed)})}}")
    body = ",\n".join(rows)
    return ("// Made by api/generator from api/schema: do not edit.\n\n"
            '#include "vim/service_description.hpp"\n\nnamespace drover::vim::tables {\n\n'
            "extern const DescriptionFile kDescriptionFiles[];\n"
            "extern const std::size_t kDescriptionFileCount;\n"
            f"const DescriptionFile kDescriptionFiles[] = {{\n{body}}};\n"
            f"const std::size_t kDescriptionFileCount = {len(rows)};\n\n"
            "}  // namespace drover::vim::tables\n")

#include "vim/xml_document.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "vim/wire.hpp"

namespace drover::vim::xml {
namespace {

// An element of a SOAP call has a few; namespaces that a library declares make it a dozen.
constexpr std::size_t kMaxAttributes = 64;

constexpr std::array<std::string_view, 5> kEntities{"amp", "lt", "gt", "quot", "apos"};

bool is_xml_character(std::uint32_t code) {
    return code == 0x9 || code == 0xA || code == 0xD || (code >= 0x20 && code < 0xD800) ||
           (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code <= 0x10FFFF);
}

// `name` is what stands between & and ;
bool is_known_reference(std::string_view name) {
    if (!name.starts_with('#')) {
        for (const auto entity : kEntities) {
            if (name == entity) return true;
        }
        return false;
    }
    name.remove_prefix(1);
    const bool hex = name.starts_with('x');
    if (hex) name.remove_prefix(1);
    std::uint32_t code = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
    return error == std::errc{} && end == name.data() + name.size() && is_xml_character(code);
}

// Bytes that the scan has to look at.
constexpr auto kNotable = [] {
    std::array<bool, 256> notable{};
    for (std::size_t c = 0; c < 0x20; ++c) notable[c] = c != '\t' && c != '\n' && c != '\r';
    for (std::size_t c = 0x80; c < 0x100; ++c) notable[c] = true;
    notable['<'] = notable['&'] = true;
    return notable;
}();

// Looks over the raw text once, before any memory is spent on a tree.
class Scan {
public:
    Scan(std::string_view text, std::size_t max_nodes) : text_(text), max_nodes_(max_nodes) {}

    std::optional<std::string> run() {
        while (at_ < text_.size()) {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (!kNotable[c]) {
                ++at_;
            } else if (const auto reason = c == '<'   ? markup()
                                           : c == '&' ? reference()
                                                      : character()) {
                return fmt::format("byte {}: {}", at_, *reason);
            }
        }
        return std::nullopt;
    }

private:
    std::optional<std::string> markup() {
        const std::string_view rest = text_.substr(at_);
        if (rest.starts_with("<![CDATA[")) return section("]]>");
        if (rest.starts_with("<!--")) return section("-->");
        if (rest.starts_with("<!")) return "a document type definition is not allowed";
        if (rest.starts_with("<?")) return section("?>");
        if (!rest.starts_with("</")) {
            if (auto reason = start_tag(rest)) return reason;
        }
        ++at_;
        return std::nullopt;
    }

    // `tag` begins with '<'; what looks like an attribute is taken for one. XML allows no '<'
    // before the tag's end, so no byte is looked at twice.
    std::optional<std::string> start_tag(std::string_view tag) {
        std::size_t attributes = 0;
        std::size_t at = 1;
        char quote = 0;
        for (; at < tag.size() && (quote != 0 || tag[at] != '>'); ++at) {
            const char c = tag[at];
            if (c == '<') return "a tag inside of a tag";
            if (quote != 0) {
                if (c == quote) quote = 0;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '=' && ++attributes > kMaxAttributes) {
                return fmt::format("more than {} attributes of one element", kMaxAttributes);
            }
        }
        if (at == tag.size()) return "a tag without an end";
        nodes_ += 1 + attributes;
        if (nodes_ <= max_nodes_) return std::nullopt;
        return fmt::format("more than {} elements and attributes", max_nodes_);
    }

    // Markup inside a CDATA section or comment is text, but must be characters all the same.
    std::optional<std::string> section(std::string_view terminator) {
        const auto end = text_.find(terminator, at_ + 2);
        if (end == std::string_view::npos) return fmt::format("'{}' is missing", terminator);
        while (at_ < end) {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (!kNotable[c] || c == '<' || c == '&') {
                ++at_;
            } else if (auto reason = character()) {
                return reason;
            }
        }
        at_ = end + terminator.size();
        return std::nullopt;
    }

    std::optional<std::string> reference() {
        const auto end = text_.substr(at_, 16).find(';');
        if (end == std::string_view::npos || !is_known_reference(text_.substr(at_ + 1, end - 1))) {
            return "a reference to an unknown entity or character";
        }
        at_ += end + 1;
        return std::nullopt;
    }

    std::optional<std::string> character() {
        const std::size_t length = wire::utf8_length(text_.substr(at_));
        if (length == 0) return "no valid UTF-8";
        if (length == 1) return "a control character";
        const std::string_view sequence = text_.substr(at_, length);
        if (sequence == "\xEF\xBF\xBE" || sequence == "\xEF\xBF\xBF") return "no XML character";
        at_ += length;
        return std::nullopt;
    }

    std::string_view text_;
    std::size_t max_nodes_;
    std::size_t at_ = 0;
    std::size_t nodes_ = 0;
};

}  // namespace

std::optional<std::string> Document::load(std::string_view text, std::size_t max_nodes) {
    if (auto reason = Scan(text, max_nodes).run()) return reason;
    text_ = text;
    constexpr unsigned options = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol |
                                 pugi::parse_wconv_attribute | pugi::parse_ws_pcdata_single |
                                 pugi::parse_embed_pcdata;
    const auto result =
        document_.load_buffer_inplace(text_.data(), text_.size(), options, pugi::encoding_utf8);
    if (!result) return fmt::format("byte {}: {}", result.offset, result.description());
    if (!root()) return "there is no element";
    if (root().next_sibling()) return "there is more than one outermost element";
    return std::nullopt;
}

std::string_view local_name(std::string_view name) {
    const auto colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view local_name(pugi::xml_node node) {
    return local_name(std::string_view(node.name()));
}

std::string_view prefixed_attribute(pugi::xml_node node, std::string_view name) {
    for (const auto attribute : node.attributes()) {
        const std::string_view full = attribute.name();
        if (full.size() > name.size() + 1 && full.ends_with(name) &&
            full[full.size() - name.size() - 1] == ':' && !full.starts_with("xmlns:")) {
            return attribute.value();
        }
    }
    return {};
}

pugi::xml_node child(pugi::xml_node node, std::string_view name) {
    for (const auto each : node.children()) {
        if (each.type() == pugi::node_element && local_name(each) == name) return each;
    }
    return {};
}

bool has_elements(pugi::xml_node node) {
    for (const auto each : node.children()) {
        if (each.type() == pugi::node_element) return true;
    }
    return false;
}

std::string_view text_of(pugi::xml_node node, std::string& storage) {
    // The first run of text is kept in the element itself.
    const std::string_view first = node.value();
    if (!node.first_child()) return first;
    storage = first;
    for (const auto each : node.children()) {
        if (each.type() == pugi::node_pcdata || each.type() == pugi::node_cdata) {
            storage += each.value();
        }
    }
    return storage;
}

}  // namespace drover::vim::xml

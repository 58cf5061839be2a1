// Whole messages, fed in pieces as a network would: no crash, no overrun of the room, no
// standstill.

#include "http/parser.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace drover::http;

// `step` new bytes at a time; what the parser leaves is offered again, together with more.
void parse(MessageParser::Kind kind, std::string_view text, std::size_t step) {
    MessageParser parser(kind, {4096, 50});
    std::array<char, 64> room;
    std::size_t begin = 0;
    std::size_t end = 0;
    for (int messages = 0; messages < 20; ++messages) {
        MessageHead head;
        parser.start();
        bool in_head = true;
        for (;;) {
            const auto input = text.substr(begin, end - begin);
            const auto progress = in_head ? parser.header(input, head) : parser.body(input, room);
            if (progress.consumed > input.size() || progress.produced > room.size()) std::abort();
            if (progress.error_status) return;
            begin += progress.consumed;
            if (in_head && progress.complete) {
                if (head.headers.size() > 50) std::abort();
                in_head = false;
                if (parser.message_done()) break;
                continue;
            }
            if (progress.complete) break;
            if (progress.consumed > 0 || progress.produced > 0) continue;
            if (end == text.size()) {
                parser.end_of_input();
                return;
            }
            end = std::min(end + step, text.size());
        }
        if (begin == text.size()) return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t step = 1 + data[0] % 97;
    parse(MessageParser::Kind::request, text, step);
    parse(MessageParser::Kind::response, text, step);
    return 0;
}

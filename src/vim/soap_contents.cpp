// ObjectContent by ObjectContent, as the PropertyCollector answers.

#include "base/check.hpp"
#include "vim/soap.hpp"
#include "vim/soap_encode.hpp"
#include "vim/soap_envelope.hpp"
#include "vim/xml_text.hpp"

namespace drover::vim {

using soap::Encoder;
using wire::Buffer;

struct SoapContents::State {
    State(const MethodDescriptor& called, Release for_release)
        : method(called), release(for_release) {}

    Encoder encoder() { return Encoder(out, release); }
    bool has_result_around() const { return method.result_type == TypeId::RetrieveResult; }

    const MethodDescriptor& method;
    Release release;
    Buffer out{64 * 1024};
};

SoapContents::SoapContents(const MethodDescriptor& method, Release release, std::string_view token)
    : state_(std::make_unique<State>(method, release)) {
    DROVER_CHECK(method.result_type == TypeId::RetrieveResult ||
                 (method.result_type == TypeId::ObjectContent && method.returns_array()));
    Buffer& out = state_->out;
    out.put(soap::kEnvelopeStart);
    soap::put_start(out, method.name(), "Response");
    out.put('>');
    if (!state_->has_result_around()) return;
    out.put("<returnval>");
    if (!token.empty()) {
        state_->encoder().property("token", TypeId::string, false, Value::string(token));
    }
}

SoapContents::~SoapContents() = default;

void SoapContents::begin_object(const Value& reference) {
    state_->out.put(state_->has_result_around() ? "<objects>" : "<returnval>");
    state_->encoder().reference("obj", reference.moref_type(), reference.moref_id(), false);
}

void SoapContents::property(std::string_view name, const Value& value) {
    if (!wire::is_known(value, TypeId::anyType, state_->release)) return;
    Buffer& out = state_->out;
    out.put("<propSet><name>");
    xml::put_text(out, name);  // the key of an element may be any text
    out.put("</name>");
    state_->encoder().element("val", TypeId::anyType, value);
    out.put("</propSet>");
}

void SoapContents::missing(const Value& missing) {
    state_->encoder().element("missingSet", TypeId::MissingProperty, missing);
}

void SoapContents::end_object() {
    state_->out.put(state_->has_result_around() ? "</objects>" : "</returnval>");
}

void SoapContents::end() {
    Buffer& out = state_->out;
    if (state_->has_result_around()) out.put("</returnval>");
    soap::put_end(out, state_->method.name(), "Response");
    out.put(soap::kEnvelopeEnd);
}

std::size_t SoapContents::size() const {
    return state_->out.size();
}

std::string SoapContents::take() {
    std::string text(state_->out.text());
    state_->out.clear();
    return text;
}

}  // namespace drover::vim

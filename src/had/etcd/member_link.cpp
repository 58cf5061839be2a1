#include "had/etcd/member_link.hpp"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "etcd.grpc.pb.h"

namespace drover::had {

namespace {

namespace wire = etcdserverpb;

// Of all values together; a member that sends more is not believed.
constexpr int kMostAnswerBytes = 8 << 20;
constexpr int kReconnectLeastMs = 100;
constexpr int kReconnectMostMs = 1000;

std::string uri_of(const LinkTarget& target) {
    const bool is_v6 = target.address.find(':') != std::string::npos;
    return is_v6 ? fmt::format("ipv6:[{}]:{}", target.address, target.port)
                 : fmt::format("ipv4:{}:{}", target.address, target.port);
}

std::shared_ptr<grpc::ChannelCredentials> credentials_of(const LinkIdentity* identity) {
    if (identity == nullptr) return grpc::InsecureChannelCredentials();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = identity->authorities;
    options.pem_private_key = identity->key;
    options.pem_cert_chain = identity->certificate;
    return grpc::SslCredentials(options);
}

grpc::ChannelArguments arguments() {
    grpc::ChannelArguments made;
    // Its own connection: a new link must not inherit one that hangs.
    made.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    made.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    made.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    made.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    made.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectLeastMs);
    made.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectLeastMs);
    made.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMostMs);
    made.SetMaxReceiveMessageSize(kMostAnswerBytes);
    return made;
}

void add_put(wire::RequestOp& operation, const PutAndRead& what) {
    operation.mutable_request_put()->set_key(what.key);
    operation.mutable_request_put()->set_value(what.value);
}

void add_read(wire::RequestOp& operation, const PutAndRead& what) {
    auto& range = *operation.mutable_request_range();
    range.set_key(what.first);
    range.set_range_end(what.end);
    range.set_limit(what.most);
}

wire::TxnRequest request_of(const PutAndRead& what) {
    wire::TxnRequest made;
    auto& compare = *made.add_compare();
    compare.set_result(wire::Compare::LESS);
    compare.set_target(wire::Compare::VALUE);
    compare.set_key(what.key);
    compare.set_value(what.below);
    add_put(*made.add_success(), what);
    add_read(*made.add_success(), what);
    // A key that is not there is less than nothing: that is asked for by itself.
    auto& absent = *made.add_failure()->mutable_request_txn();
    auto& never = *absent.add_compare();
    never.set_result(wire::Compare::EQUAL);
    never.set_target(wire::Compare::CREATE);
    never.set_key(what.key);
    never.set_create_revision(0);
    add_put(*absent.add_success(), what);
    add_read(*made.add_failure(), what);
    return made;
}

std::expected<PutAndReadAnswer, LinkFailure> read(const wire::TxnResponse& response) {
    const auto refused = [](const char* why) {
        return std::unexpected(LinkFailure{fmt::format("its answer is wrong: {}", why), false});
    };
    if (response.responses_size() != 2) return refused("there are not two parts");
    const auto& first = response.responses(0);
    const auto& second = response.responses(1);
    if (response.succeeded() ? !first.has_response_put() : !first.has_response_txn()) {
        return refused("the first part is another");
    }
    if (!second.has_response_range()) return refused("the second part is another");
    if (second.response_range().more()) return refused("there are too many values");
    PutAndReadAnswer answer;
    answer.put = response.succeeded() || first.response_txn().succeeded();
    for (const auto& each : second.response_range().kvs()) {
        answer.all.push_back({each.key(), each.value()});
    }
    return answer;
}

}  // namespace

struct MemberLink::Parts {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<wire::KV::Stub> stub;
};

MemberLink::MemberLink(const LinkTarget& target, const LinkIdentity* identity)
    : parts_(std::make_unique<Parts>()) {
    parts_->channel =
        grpc::CreateCustomChannel(uri_of(target), credentials_of(identity), arguments());
    parts_->stub = wire::KV::NewStub(parts_->channel);
}

MemberLink::~MemberLink() = default;

std::expected<PutAndReadAnswer, LinkFailure> MemberLink::call(const PutAndRead& what,
                                                              std::chrono::milliseconds limit) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    wire::TxnResponse response;
    const auto status = parts_->stub->Txn(&context, request_of(what), &response);
    if (!status.ok()) {
        const bool is_silent = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
        return std::unexpected(LinkFailure{status.error_message(), is_silent});
    }
    return read(response);
}

}  // namespace drover::had

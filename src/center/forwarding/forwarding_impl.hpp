#pragma once

// What the files of this directory share. Only src/center/forwarding includes it.

#include <deque>
#include <map>
#include <set>
#include <string>

#include "center/forwarding/forwarding.hpp"

namespace drover::center {

struct Forwarding::Impl {
    Impl(Forwarding& forwarding, CenterContext& the_context, Hosts& the_hosts, Mirror& the_mirror)
        : self(forwarding), context(the_context), hosts(the_hosts), mirror(the_mirror) {}

    Forwarding& self;
    CenterContext& context;
    Hosts& hosts;
    Mirror& mirror;

    using ChainKey = std::pair<std::string, std::int32_t>;  // host, its chain
    std::map<ChainKey, Chain> chains;
    std::deque<ChainKey> chain_order;
    void remember_chain(const vim::MoRef& host, std::int32_t host_chain, Chain chain);

    /// Serves a method on a type, unless somebody does.
    void serve_method(vim::TypeId type, const vim::MethodDescriptor& method);
    std::set<std::string, std::less<>> passed_on;
    /// Of a method that the center serves for its own objects as well.
    void share_method(vim::TypeId type, const vim::MethodDescriptor& method);
    task::Awaitable<vim::Value> forward(task::Call call);
    vim::Value start_task(const task::Call& call);
    std::string name_of(const vim::MoRef& entity) const;
    task::TaskSpec spec_of(const task::Call& call) const;
    /// What else shows what a call on an object did.
    std::vector<vim::MoRef> touched_by(const HostObject& object) const;
};

/// Throws DuplicateName if another entity of its folder has the name.
void require_free_name(Forwarding::Impl& impl, const vim::MoRef& entity, std::string_view name);

// One file for each.
void serve_machine_creation(Forwarding::Impl& impl);
void serve_machine_removal(Forwarding::Impl& impl);
void serve_machine_moves(Forwarding::Impl& impl);
void serve_power_on_multi(Forwarding::Impl& impl);
void serve_shared_names(Forwarding::Impl& impl);
void serve_file_methods(Forwarding::Impl& impl);
void serve_performance(Forwarding::Impl& impl);

}  // namespace drover::center

#include "client/retrieve.hpp"

namespace drover::client {
namespace {

Properties read_object(const vim::ObjectContent& content) {
    Properties out(content.obj());
    for (const auto property : content.propSet()) out.set(property.name(), property.val());
    return out;
}

void append(std::vector<Properties>& out, const vim::ArrayView<vim::ObjectContent>& objects) {
    out.reserve(out.size() + objects.size());
    for (const auto object : objects) out.push_back(read_object(object));
}

std::vector<Properties> run(Connection& connection, const vim::PropertyFilterSpec& spec) {
    const vim::MoRef collector = connection.content().propertyCollector();
    std::vector<Properties> out;
    if (!connection.has_method("RetrievePropertiesEx")) {
        auto request = vim::RetrievePropertiesRequest::make();
        request.set_specSet({spec});
        append(out, vim::ArrayView<vim::ObjectContent>(
                        connection.call("RetrieveProperties", collector, request)));
        return out;
    }
    auto request = vim::RetrievePropertiesExRequest::make();
    request.set_specSet({spec});
    request.set_options(vim::RetrieveOptions::make());
    vim::RetrieveResult result(connection.call("RetrievePropertiesEx", collector, request));
    append(out, result.objects());
    while (const auto token = result.token()) {
        auto next = vim::ContinueRetrievePropertiesExRequest::make();
        next.set_token(*token);
        result =
            vim::RetrieveResult(connection.call("ContinueRetrievePropertiesEx", collector, next));
        append(out, result.objects());
    }
    return out;
}

// A view that is destroyed at the end, whatever happens. A server that is gone by then takes the
// view along.
class TemporaryView {
public:
    TemporaryView(Connection& connection, vim::MoRef view)
        : connection_(connection), view_(std::move(view)) {}
    TemporaryView(const TemporaryView&) = delete;
    TemporaryView& operator=(const TemporaryView&) = delete;
    ~TemporaryView() {
        try {
            connection_.call("DestroyView", view_);
        } catch (const std::exception&) {
            // The session ends it.
        }
    }
    const vim::MoRef& reference() const { return view_; }

private:
    Connection& connection_;
    vim::MoRef view_;
};

}  // namespace

vim::PropertySpec property_spec(vim::TypeId type, const std::vector<std::string>& paths) {
    auto spec = vim::PropertySpec::make();
    spec.set_type(vim::describe(type).name());
    spec.set_all(false);
    spec.set_pathSet(std::vector<std::string_view>(paths.begin(), paths.end()));
    return spec;
}

std::vector<Properties> retrieve(Connection& connection, vim::TypeId type,
                                 const std::vector<std::string>& paths,
                                 const vim::MoRef& container) {
    auto create = vim::CreateContainerViewRequest::make();
    create.set_container(container ? container : connection.content().rootFolder());
    create.set_type({vim::describe(type).name()});
    create.set_recursive(true);
    const vim::Value made = connection.call(
        "CreateContainerView", required(connection.content().viewManager(), "viewManager"), create);
    if (made.kind() != vim::ValueKind::moref) throw ConnectionError("the server gave no view");
    const TemporaryView view(connection, made.as_moref());

    auto members = vim::TraversalSpec::make();
    members.set_name("members");
    members.set_type("ContainerView");
    members.set_path("view");
    members.set_skip(false);
    auto start = vim::ObjectSpec::make();
    start.set_obj(view.reference());
    start.set_skip(true);
    start.set_selectSet({members});
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({property_spec(type, paths)});
    spec.set_objectSet({start});
    return run(connection, spec);
}

std::vector<Properties> retrieve_objects(Connection& connection, vim::TypeId type,
                                         const std::vector<vim::MoRef>& objects,
                                         const std::vector<std::string>& paths) {
    if (objects.empty()) return {};
    std::vector<vim::ObjectSpec> starts;
    starts.reserve(objects.size());
    for (const auto& object : objects) {
        auto start = vim::ObjectSpec::make();
        start.set_obj(object);
        starts.push_back(start);
    }
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({property_spec(type, paths)});
    spec.set_objectSet(starts);
    return run(connection, spec);
}

Properties retrieve_object(Connection& connection, const vim::MoRef& object,
                           const std::vector<std::string>& paths) {
    auto found = retrieve_objects(connection, object.type, {object}, paths);
    if (found.empty()) throw vim::object_not_found(object);
    return std::move(found.front());
}

}  // namespace drover::client

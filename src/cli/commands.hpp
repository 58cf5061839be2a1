#pragma once

// One function per command: it declares the command below `parent` and says what it does. The
// context must outlive the parsing.

namespace CLI {
class App;
}

namespace drover::cli {

class Context;

void add_login(CLI::App& parent, Context& context);
void add_logout(CLI::App& parent, Context& context);
void add_connections(CLI::App& parent, Context& context);
void add_about(CLI::App& parent, Context& context);
void add_ls(CLI::App& parent, Context& context);

void add_vm_list(CLI::App& parent, Context& context);
void add_vm_info(CLI::App& parent, Context& context);
void add_vm_create(CLI::App& parent, Context& context);
void add_vm_destroy(CLI::App& parent, Context& context);
void add_vm_register(CLI::App& parent, Context& context);  ///< and unregister
void add_vm_power(CLI::App& parent, Context& context);     ///< start, stop, ... resume
void add_vm_set(CLI::App& parent, Context& context);
void add_vm_disk(CLI::App& parent, Context& context);
void add_vm_nic(CLI::App& parent, Context& context);
void add_vm_cdrom(CLI::App& parent, Context& context);
void add_vm_console(CLI::App& parent, Context& context);
void add_vm_ip(CLI::App& parent, Context& context);
void add_vm_migrate(CLI::App& parent, Context& context);

void add_host_list(CLI::App& parent, Context& context);
void add_host_info(CLI::App& parent, Context& context);
void add_host_add(CLI::App& parent, Context& context);  ///< remove, disconnect, reconnect
void add_host_maintenance(CLI::App& parent, Context& context);

void add_datacenter(CLI::App& parent, Context& context);  ///< list, create, destroy
void add_cluster(CLI::App& parent, Context& context);     ///< list, create, destroy
void add_cluster_evc(CLI::App& parent, Context& context);
void add_pool(CLI::App& parent, Context& context);    ///< list, destroy
void add_drs(CLI::App& parent, Context& context);     ///< show, plan, explain, apply, why-not
void add_ha(CLI::App& parent, Context& context);      ///< show, enable, disable
void add_center(CLI::App& parent, Context& context);  ///< backup, restore, certificate
void add_top(CLI::App& parent, Context& context);

void add_datastore_list(CLI::App& parent, Context& context);
void add_datastore_info(CLI::App& parent, Context& context);
void add_datastore_ls(CLI::App& parent, Context& context);

void add_task_list(CLI::App& parent, Context& context);
void add_task_info(CLI::App& parent, Context& context);
void add_task_cancel(CLI::App& parent, Context& context);
void add_task_wait(CLI::App& parent, Context& context);

void add_file_transfer(CLI::App& parent, Context& context);  ///< get, put
void add_file_change(CLI::App& parent, Context& context);    ///< rm, mv, cp, mkdir

void add_events(CLI::App& parent, Context& context);
void add_perf(CLI::App& parent, Context& context);
void add_perm(CLI::App& parent, Context& context);
void add_logs(CLI::App& parent, Context& context);
void add_completion(CLI::App& parent);

void add_sandbox(CLI::App& parent);
/// Becomes the sandbox tool; returns only if that can't be started.
int run_sandbox(int count, char** arguments);

}  // namespace drover::cli

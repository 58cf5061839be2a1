package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/license"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/performance"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var managerSteps = []step{
	{"session.ls: ours is among them", sessions},
	{"session: clone ticket", func(f *flow) error {
		ticket, err := f.client.SessionManager.AcquireCloneTicket(f.ctx)
		if err != nil {
			return err
		}
		return check(ticket != "", ticket)
	}},
	{"events of a machine, page by page", events},
	{"events: log one and find it", logEvent},
	{"events: category", func(f *flow) error {
		found, err := event.NewManager(f.client.Client).QueryEvents(f.ctx, types.EventFilterSpec{})
		if err != nil || len(found) == 0 {
			return fmt.Errorf("%v %v", found, err)
		}
		_, err = event.NewManager(f.client.Client).EventCategory(f.ctx, found[0])
		return err
	}},
	{"tasks: recent ones and their descriptions", tasks},
	{"metric.ls and metric.sample", metrics},
	{"metric.interval.info", func(f *flow) error {
		_, err := performance.NewManager(f.client.Client).HistoricalInterval(f.ctx)
		return err
	}},
	{"permissions.ls, role.ls", permissions},
	{"role.create, update, remove", roles},
	{"host.option.ls and set", options},
	{"host.service.ls", func(f *flow) error {
		system, err := f.host.ConfigManager().ServiceSystem(f.ctx)
		if err != nil {
			return err
		}
		_, err = system.Service(f.ctx)
		return err
	}},
	{"host.date.info", func(f *flow) error {
		system, err := f.host.ConfigManager().DateTimeSystem(f.ctx)
		if err != nil {
			return err
		}
		now, err := system.Query(f.ctx)
		if err != nil {
			return err
		}
		return check(now.Year() > 2000, now)
	}},
	{"host.account.create, update, remove", accounts},
	{"host.storage.info, host.vswitch.info, host.portgroup.info, host.vnic.info", configuration},
	{"host.cert.info", func(f *flow) error {
		manager, err := f.host.ConfigManager().CertificateManager(f.ctx)
		if err != nil {
			return err
		}
		info, err := manager.CertificateInfo(f.ctx)
		if err != nil {
			return err
		}
		return check(info.NotAfter != nil, info)
	}},
	{"logs.ls, logs", logs},
	{"license.ls, decode", licenses},
	{"pool.create, change, info, destroy", pools},
	{"host.maintenance.enter and exit", func(f *flow) error {
		t, err := f.host.EnterMaintenanceMode(f.ctx, 30, false, nil)
		if err := ended(f, t, err); err != nil {
			return err
		}
		t, err = f.host.ExitMaintenanceMode(f.ctx, 30)
		return ended(f, t, err)
	}},
}

var endSteps = []step{
	{"vm.destroy", func(f *flow) error {
		t, err := f.machine.Destroy(f.ctx)
		return ended(f, t, err)
	}},
	{"a machine that is gone: ManagedObjectNotFound", func(f *flow) error {
		_, err := f.machine.PowerState(f.ctx)
		if !soap.IsSoapFault(err) {
			return fmt.Errorf("got %v", err)
		}
		_, right := soap.ToSoapFault(err).VimFault().(types.ManagedObjectNotFound)
		return check(right, err)
	}},
	{"logout; then NotAuthenticated", func(f *flow) error {
		if err := f.client.Logout(f.ctx); err != nil {
			return err
		}
		var host mo.HostSystem
		err := f.host.Properties(f.ctx, f.host.Reference(), []string{"name"}, &host)
		if !soap.IsSoapFault(err) {
			return fmt.Errorf("got %v", err)
		}
		_, right := soap.ToSoapFault(err).VimFault().(types.NotAuthenticated)
		return check(right, err)
	}},
}

func sessions(f *flow) error {
	mine, err := f.client.SessionManager.UserSession(f.ctx)
	if err != nil {
		return err
	}
	if mine == nil {
		return errors.New("no current session")
	}
	var manager mo.SessionManager
	if err := property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, *f.client.ServiceContent.SessionManager, nil, &manager); err != nil {
		return err
	}
	for _, session := range manager.SessionList {
		if session.Key == mine.Key {
			return nil
		}
	}
	return fmt.Errorf("not among %v", manager.SessionList)
}

func events(f *flow) error {
	if f.client.ServiceContent.EventManager == nil {
		return errors.New("no event manager")
	}
	manager := event.NewManager(f.client.Client)
	seen := map[string]bool{}
	err := manager.Events(f.ctx, []types.ManagedObjectReference{f.machine.Reference()}, 5, false, false,
		func(_ types.ManagedObjectReference, page []types.BaseEvent) error {
			for _, each := range page {
				seen[strings.TrimPrefix(fmt.Sprintf("%T", each), "*types.")] = true
			}
			return nil
		})
	if err != nil {
		return err
	}
	for _, name := range []string{"VmRegisteredEvent"} {
		if !seen[name] {
			return fmt.Errorf("no %s among %v", name, seen)
		}
	}
	return nil
}

func logEvent(f *flow) error {
	if f.client.ServiceContent.EventManager == nil {
		return errors.New("no event manager")
	}
	manager := event.NewManager(f.client.Client)
	if err := manager.LogUserEvent(f.ctx, f.host.Reference(), "hello from Go"); err != nil {
		return err
	}
	found, err := manager.QueryEvents(f.ctx, types.EventFilterSpec{EventTypeId: []string{"GeneralUserEvent"}})
	if err != nil {
		return err
	}
	for _, each := range found {
		if strings.Contains(each.GetEvent().FullFormattedMessage, "hello from Go") {
			return nil
		}
	}
	return fmt.Errorf("not among %d", len(found))
}

func tasks(f *flow) error {
	var manager mo.TaskManager
	if err := property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, *f.client.ServiceContent.TaskManager, []string{"recentTask", "description.methodInfo"}, &manager); err != nil {
		return err
	}
	if len(manager.RecentTask) == 0 || len(manager.Description.MethodInfo) == 0 {
		return errors.New("no task or no description")
	}
	var recent []mo.Task
	if err := property.DefaultCollector(f.client.Client).Retrieve(f.ctx, manager.RecentTask, []string{"info"}, &recent); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, each := range manager.Description.MethodInfo {
		known[each.GetElementDescription().Key] = true
	}
	for _, each := range recent {
		if !known[each.Info.DescriptionId] {
			return fmt.Errorf("no description of %s", each.Info.DescriptionId)
		}
	}
	made, err := methods.CreateCollectorForTasks(f.ctx, f.client, &types.CreateCollectorForTasks{
		This: *f.client.ServiceContent.TaskManager,
		Filter: types.TaskFilterSpec{Entity: &types.TaskFilterSpecByEntity{
			Entity: f.client.ServiceContent.RootFolder, Recursion: types.TaskFilterSpecRecursionOptionAll}}})
	if err != nil {
		return err
	}
	defer methods.DestroyCollector(f.ctx, f.client, &types.DestroyCollector{This: made.Returnval})
	page, err := methods.ReadNextTasks(f.ctx, f.client, &types.ReadNextTasks{This: made.Returnval, MaxCount: 100})
	if err != nil {
		return err
	}
	return check(page.Returnval != nil, "no tasks")
}

func metrics(f *flow) error {
	manager := performance.NewManager(f.client.Client)
	counters, err := manager.CounterInfoByName(f.ctx)
	if err != nil {
		return err
	}
	if counters["cpu.usage.average"] == nil {
		return errors.New("no cpu.usage.average")
	}
	summary, err := manager.ProviderSummary(f.ctx, f.host.Reference())
	if err != nil {
		return err
	}
	available, err := manager.AvailableMetric(f.ctx, f.host.Reference(), summary.RefreshRate)
	if err != nil {
		return err
	}
	if len(available) == 0 {
		return errors.New("no metric is available")
	}
	spec := types.PerfQuerySpec{MaxSample: 1, MetricId: []types.PerfMetricId{{Instance: "*"}}, IntervalId: summary.RefreshRate}
	sample, err := manager.SampleByName(f.ctx, spec, []string{"cpu.usage.average", "mem.usage.average"}, []types.ManagedObjectReference{f.host.Reference()})
	if err != nil {
		return err
	}
	series, err := manager.ToMetricSeries(f.ctx, sample)
	if err != nil {
		return err
	}
	for _, entity := range series {
		for _, each := range entity.Value {
			if counters[each.Name] == nil || len(each.Value) == 0 {
				return fmt.Errorf("%v", each)
			}
		}
	}
	return check(len(series) == 1, series)
}

func permissions(f *flow) error {
	if f.client.ServiceContent.AuthorizationManager == nil {
		return errors.New("no authorization manager")
	}
	manager := object.NewAuthorizationManager(f.client.Client)
	list, err := manager.RoleList(f.ctx)
	if err != nil {
		return err
	}
	if list.ByName("Admin") == nil || list.ById(-1) == nil {
		return fmt.Errorf("roles: %v", list)
	}
	all, err := manager.RetrieveAllPermissions(f.ctx)
	if err != nil {
		return err
	}
	inherited, err := manager.RetrieveEntityPermissions(f.ctx, f.machine.Reference(), true)
	if err != nil {
		return err
	}
	return check(len(all) > 0 && len(inherited) > 0, all, inherited)
}

func roles(f *flow) error {
	if f.client.ServiceContent.AuthorizationManager == nil {
		return errors.New("no authorization manager")
	}
	manager := object.NewAuthorizationManager(f.client.Client)
	id, err := manager.AddRole(f.ctx, f.name, []string{"VirtualMachine.Interact.PowerOn"})
	if err != nil {
		return err
	}
	if err := manager.UpdateRole(f.ctx, id, f.name, []string{"VirtualMachine.Interact.PowerOff"}); err != nil {
		return err
	}
	list, err := manager.RoleList(f.ctx)
	if err != nil {
		return err
	}
	made := list.ById(id)
	if made == nil || !strings.Contains(fmt.Sprint(made.Privilege), "VirtualMachine.Interact.PowerOff") {
		return fmt.Errorf("%v", made)
	}
	return manager.RemoveRole(f.ctx, id, true)
}

func options(f *flow) error {
	manager, err := f.host.ConfigManager().OptionManager(f.ctx)
	if err != nil {
		return err
	}
	all, err := manager.Query(f.ctx, "")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no options")
	}
	key := all[0].GetOptionValue().Key
	one, err := manager.Query(f.ctx, key)
	if err != nil {
		return err
	}
	if len(one) != 1 {
		return fmt.Errorf("%d options are called %s", len(one), key)
	}
	if err := manager.Update(f.ctx, one); err != nil {
		return err
	}
	_, err = manager.Query(f.ctx, "no.such.option")
	return check(err != nil, "an unknown option is no error")
}

func accounts(f *flow) error {
	manager, err := f.host.ConfigManager().AccountManager(f.ctx)
	if err != nil {
		return err
	}
	spec := types.HostAccountSpec{Id: "gopher", Password: "A-long-Pa55word!", Description: "digs"}
	if err := manager.Create(f.ctx, &spec); err != nil {
		return err
	}
	spec.Description = "still digs"
	if err := manager.Update(f.ctx, &spec); err != nil {
		return err
	}
	return manager.Remove(f.ctx, "gopher")
}

func configuration(f *flow) error {
	config := f.host.ConfigManager()
	if _, err := config.StorageSystem(f.ctx); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	if _, err := config.DatastoreSystem(f.ctx); err != nil {
		return fmt.Errorf("datastores: %w", err)
	}
	network, err := config.NetworkSystem(f.ctx)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	var found mo.HostNetworkSystem
	if err := property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, network.Reference(), []string{"networkInfo"}, &found); err != nil {
		return err
	}
	if len(found.NetworkInfo.Vswitch) == 0 || len(found.NetworkInfo.Portgroup) == 0 {
		return errors.New("no switch or port group")
	}
	nics, err := config.VirtualNicManager(f.ctx)
	if err != nil {
		return fmt.Errorf("virtual NICs: %w", err)
	}
	_, err = nics.Info(f.ctx)
	return err
}

func logs(f *flow) error {
	if f.client.ServiceContent.DiagnosticManager == nil {
		return errors.New("no diagnostic manager")
	}
	manager := object.NewDiagnosticManager(f.client.Client)
	found, err := manager.QueryDescriptions(f.ctx, nil)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("no logs")
	}
	log := manager.Log(f.ctx, nil, found[0].Key)
	if err := log.Seek(f.ctx, 5); err != nil {
		return err
	}
	var text strings.Builder
	if _, err := log.Copy(f.ctx, &text); err != nil {
		return err
	}
	return check(text.Len() > 0)
}

func licenses(f *flow) error {
	if f.client.ServiceContent.LicenseManager == nil {
		return errors.New("no license manager")
	}
	manager := license.NewManager(f.client.Client)
	list, err := manager.List(f.ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("no licence")
	}
	_, err = manager.Decode(f.ctx, list[0].LicenseKey)
	return err
}

func pools(f *flow) error {
	spec := types.DefaultResourceConfigSpec()
	made, err := f.pool.Create(f.ctx, f.name, spec)
	if err != nil {
		return err
	}
	limit := int64(1000)
	spec.CpuAllocation.Limit = &limit
	if err := made.UpdateConfig(f.ctx, "", &spec); err != nil {
		return err
	}
	found, err := f.finder.ResourcePool(f.ctx, "*/Resources/"+f.name)
	if err != nil {
		return err
	}
	var pool mo.ResourcePool
	if err := found.Properties(f.ctx, found.Reference(), nil, &pool); err != nil {
		return err
	}
	if *pool.Config.CpuAllocation.Limit != 1000 {
		return fmt.Errorf("limit %v", pool.Config.CpuAllocation)
	}
	t, err := made.Destroy(f.ctx)
	return ended(f, t, err)
}

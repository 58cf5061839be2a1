package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/performance"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var historySteps = []step{
	{"events: of root, of a machine, filtered by type; each has a message of its own", events},
	{"events: pages of a collector, backwards and again", eventPages},
	{"events: log one", func(f *flow) error {
		_, err := methods.LogUserEvent(f.ctx, f.client, &types.LogUserEvent{This: *f.client.ServiceContent.EventManager, Entity: f.machine.Reference(), Msg: "hello"})
		if err != nil {
			return err
		}
		found, err := eventsOf(f, f.machine.Reference(), "GeneralUserEvent")
		return first(err, check(len(found) == 1, found))
	}},
	{"tasks: recent, of a machine, with descriptions", tasks},
	{"metric.interval.info", func(f *flow) error {
		found, err := performance.NewManager(f.client.Client).HistoricalInterval(f.ctx)
		if err != nil {
			return err
		}
		return check(len(found) == 4 && found[0].SamplingPeriod == 300 && found[1].SamplingPeriod == 1800 && found[2].SamplingPeriod == 7200 && found[3].SamplingPeriod == 86400, found)
	}},
	{"metric.ls, info and sample of host, machine, cluster, pool, datastore", metrics},
	{"metric.reset, metric.interval.change", func(f *flow) error {
		manager := performance.NewManager(f.client.Client)
		found, err := manager.HistoricalInterval(f.ctx)
		if err != nil {
			return err
		}
		interval := found[0]
		_, err = methods.UpdatePerfInterval(f.ctx, f.client, &types.UpdatePerfInterval{This: manager.Reference(), Interval: interval})
		if err != nil {
			return fmt.Errorf("UpdatePerfInterval: %w", err)
		}
		interval.Level = 9
		_, err = methods.UpdatePerfInterval(f.ctx, f.client, &types.UpdatePerfInterval{This: manager.Reference(), Interval: interval})
		if err := expect(err, "InvalidArgument"); err != nil {
			return err
		}
		_, err = methods.ResetCounterLevelMapping(f.ctx, f.client, &types.ResetCounterLevelMapping{This: manager.Reference(), Counters: []int32{2}})
		if err != nil {
			return fmt.Errorf("ResetCounterLevelMapping: %w", err)
		}
		return nil
	}},
}

func eventsOf(f *flow, ref types.ManagedObjectReference, kinds ...string) ([]types.BaseEvent, error) {
	manager := event.NewManager(f.client.Client)
	return manager.QueryEvents(f.ctx, types.EventFilterSpec{Entity: &types.EventFilterSpecByEntity{Entity: ref, Recursion: types.EventFilterSpecRecursionOptionAll},
		EventTypeId: kinds})
}

func events(f *flow) error {
	all, err := eventsOf(f, f.client.ServiceContent.RootFolder)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, each := range all {
		base := each.GetEvent()
		message := base.FullFormattedMessage
		if message == "" || len(message) >= 9 && message[:9] == "Event of " {
			return fmt.Errorf("%T says %q", each, message)
		}
		if base.Key == 0 || base.CreatedTime.IsZero() {
			return fmt.Errorf("%T has no key or time", each)
		}
		seen[fmt.Sprintf("%T", each)] = true
	}
	for _, kind := range []string{"UserLoginSessionEvent", "DatacenterCreatedEvent", "ClusterCreatedEvent", "ClusterReconfiguredEvent", "HostAddedEvent", "VmCreatedEvent",
		"VmPoweredOnEvent", "VmPoweredOffEvent", "VmReconfiguredEvent", "ResourcePoolCreatedEvent", "ResourcePoolDestroyedEvent"} {
		if !seen["*types."+kind] {
			return fmt.Errorf("no %s", kind)
		}
	}
	path, err := event.NewManager(f.client.Client).EventCategory(f.ctx, all[0])
	if err != nil || path == "" {
		return fmt.Errorf("category %q %v", path, err)
	}
	own, err := eventsOf(f, f.machine.Reference(), "VmPoweredOnEvent", "VmPoweredOffEvent")
	if err != nil {
		return err
	}
	for _, each := range own {
		base := each.GetEvent()
		if base.Vm == nil || base.Vm.Vm != f.machine.Reference() || base.Host == nil || base.Datacenter == nil || base.ComputeResource == nil {
			return fmt.Errorf("%T: %+v", each, base)
		}
	}
	return nil
}

func eventPages(f *flow) error {
	manager := event.NewManager(f.client.Client)
	collector, err := manager.CreateCollectorForEvents(f.ctx, types.EventFilterSpec{})
	if err != nil {
		return err
	}
	defer collector.Destroy(f.ctx)
	if err := collector.SetPageSize(f.ctx, 10); err != nil {
		return err
	}
	latest, err := collector.LatestPage(f.ctx)
	if err != nil || len(latest) != 10 {
		return fmt.Errorf("latest page: %d %v", len(latest), err)
	}
	if latest[0].GetEvent().Key < latest[9].GetEvent().Key {
		return fmt.Errorf("the latest page begins with the oldest")
	}
	if err := collector.Rewind(f.ctx); err != nil {
		return err
	}
	one, err := collector.ReadNextEvents(f.ctx, 5)
	if err != nil || len(one) != 5 {
		return fmt.Errorf("next: %d %v", len(one), err)
	}
	back, err := collector.ReadPreviousEvents(f.ctx, 5)
	if err != nil || len(back) != 5 {
		return fmt.Errorf("previous: %d %v", len(back), err)
	}
	if err := collector.Reset(f.ctx); err != nil {
		return err
	}
	last, err := collector.ReadPreviousEvents(f.ctx, 10)
	if err != nil || len(last) == 0 {
		return fmt.Errorf("after a reset: %d %v", len(last), err)
	}
	count := 0
	ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
	defer cancel()
	err = manager.Events(ctx, []types.ManagedObjectReference{f.client.ServiceContent.RootFolder}, 25, false, false, func(_ types.ManagedObjectReference, page []types.BaseEvent) error {
		count += len(page)
		return nil
	})
	return first(err, check(count == 25, count))
}

func tasks(f *flow) error {
	var manager mo.TaskManager
	if err := collect(f, *f.client.ServiceContent.TaskManager, []string{"recentTask", "description.methodInfo"}, &manager); err != nil {
		return err
	}
	if len(manager.RecentTask) == 0 || len(manager.Description.MethodInfo) < 20 {
		return fmt.Errorf("%d tasks, %d descriptions", len(manager.RecentTask), len(manager.Description.MethodInfo))
	}
	described := map[string]bool{}
	for _, each := range manager.Description.MethodInfo {
		described[each.GetElementDescription().Key] = true
	}
	var found []mo.Task
	if err := f.client.PropertyCollector().Retrieve(f.ctx, manager.RecentTask, []string{"info"}, &found); err != nil {
		return err
	}
	for _, each := range found {
		if !described[each.Info.DescriptionId] {
			return fmt.Errorf("%s is not described", each.Info.DescriptionId)
		}
		if each.Info.Entity != nil && each.Info.EntityName == "" && each.Info.State == types.TaskInfoStateSuccess {
			return fmt.Errorf("%s of %v has no entityName", each.Info.DescriptionId, each.Info.Entity)
		}
	}
	made, err := methods.CreateCollectorForTasks(f.ctx, f.client, &types.CreateCollectorForTasks{This: *f.client.ServiceContent.TaskManager,
		Filter: types.TaskFilterSpec{Entity: &types.TaskFilterSpecByEntity{Entity: f.folders.VmFolder.Reference(), Recursion: types.TaskFilterSpecRecursionOptionAll}}})
	if err != nil {
		return err
	}
	read, err := methods.ReadNextTasks(f.ctx, f.client, &types.ReadNextTasks{This: made.Returnval, MaxCount: 100})
	if err != nil || len(read.Returnval) < 3 {
		return fmt.Errorf("history: %v", err)
	}
	_, err = methods.DestroyCollector(f.ctx, f.client, &types.DestroyCollector{This: made.Returnval})
	return err
}

func metrics(f *flow) error {
	manager := performance.NewManager(f.client.Client)
	names, err := manager.CounterInfoByName(f.ctx)
	if err != nil {
		return err
	}
	pool, err := f.cluster.ResourcePool(f.ctx)
	if err != nil {
		return err
	}
	datastore, err := f.finder.Datastore(f.ctx, "shared")
	if err != nil {
		return err
	}
	machines := clusterMachines(f)
	for _, ref := range []types.ManagedObjectReference{clusterHosts(f)[0], machines[0], f.cluster.Reference(), pool.Reference(), datastore.Reference()} {
		summary, err := manager.ProviderSummary(f.ctx, ref)
		if err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		current := ref.Type == "HostSystem" || ref.Type == "VirtualMachine"
		if summary.SummarySupported != (current || ref == f.cluster.Reference()) || summary.CurrentSupported != current {
			return fmt.Errorf("%s: %+v", ref, summary)
		}
		for _, interval := range []int32{0, 20, 300, 1800, 7200, 86400} {
			found, err := manager.AvailableMetric(f.ctx, ref, interval)
			if err != nil {
				return fmt.Errorf("%s at %d: %w", ref, interval, err)
			}
			if len(found) == 0 && summary.SummarySupported && interval >= 300 || len(found) == 0 && ref.Type == "HostSystem" && interval == 20 {
				return fmt.Errorf("%s has nothing at %d", ref, interval)
			}
			for _, each := range found {
				known := false
				for _, info := range names {
					known = known || info.Key == each.CounterId
				}
				if !known {
					return fmt.Errorf("%s: counter %d is not in perfCounter", ref, each.CounterId)
				}
			}
		}
	}
	sample, err := manager.SampleByName(f.ctx, types.PerfQuerySpec{MaxSample: 1, IntervalId: 20}, []string{"cpu.usage.average", "mem.usage.average"}, clusterHosts(f))
	if err != nil {
		return err
	}
	series, err := manager.ToMetricSeries(f.ctx, sample)
	if err != nil || len(series) != len(f.hosts) || len(series[0].Value) == 0 {
		return fmt.Errorf("samples: %v %v", series, err)
	}
	for _, refs := range [][]types.ManagedObjectReference{machines[:1], {f.cluster.Reference()}} {
		_, err = manager.SampleByName(f.ctx, types.PerfQuerySpec{IntervalId: 300}, []string{"cpu.usage.average"}, refs)
		if err != nil {
			return fmt.Errorf("%v: %w", refs, err)
		}
	}
	return nil
}

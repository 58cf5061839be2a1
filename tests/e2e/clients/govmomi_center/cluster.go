package main

import (
	"fmt"

	"github.com/vmware/govmomi/vim25/types"
)

var clusterSteps = []step{
	{"cluster.change: DRS and HA settings are kept", changeCluster},
	{"cluster.group: create, DuplicateName, change, remove, NotFound", groups},
	{"cluster.rule: affinity, hosts, dependencies; create, change, remove", rules},
	{"cluster.override: DRS and HA of one machine", overrides},
	{"cluster.usage: figures of all hosts", func(f *flow) error {
		hosts, err := f.cluster.Hosts(f.ctx)
		return first(err, check(len(hosts) == len(f.hosts), hosts))
	}},
}

func reconfigure(f *flow, spec *types.ClusterConfigSpecEx) error {
	t, err := f.cluster.Reconfigure(f.ctx, spec, true)
	return ended(f, t, err)
}

func configuration(f *flow) *types.ClusterConfigInfoEx {
	config, err := f.cluster.Configuration(f.ctx)
	if err != nil {
		panic(err)
	}
	return config
}

func changeCluster(f *flow) error {
	yes, no := true, false
	if err := reconfigure(f, &types.ClusterConfigSpecEx{
		DrsConfig: &types.ClusterDrsConfigInfo{Enabled: &yes, DefaultVmBehavior: types.DrsBehaviorPartiallyAutomated, VmotionRate: 4},
		DasConfig: &types.ClusterDasConfigInfo{Enabled: &yes, AdmissionControlEnabled: &yes,
			AdmissionControlPolicy: &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 1},
			HostMonitoring:         string(types.ClusterDasConfigInfoServiceStateEnabled), VmMonitoring: string(types.ClusterDasConfigInfoVmMonitoringStateVmMonitoringOnly),
			DefaultVmSettings: &types.ClusterDasVmSettings{RestartPriority: "high", IsolationResponse: "powerOff"}},
	}); err != nil {
		return err
	}
	got := configuration(f)
	if !*got.DrsConfig.Enabled || got.DrsConfig.DefaultVmBehavior != types.DrsBehaviorPartiallyAutomated || got.DrsConfig.VmotionRate != 4 {
		return fmt.Errorf("DRS: %v", got.DrsConfig)
	}
	if !*got.DasConfig.Enabled || got.DasConfig.DefaultVmSettings.RestartPriority != "high" || got.DasConfig.VmMonitoring != "vmMonitoringOnly" {
		return fmt.Errorf("HA: %v %v", got.DasConfig, got.DasConfig.DefaultVmSettings)
	}
	if policy, is := got.DasConfig.AdmissionControlPolicy.(*types.ClusterFailoverLevelAdmissionControlPolicy); !is || policy.FailoverLevel != 1 {
		return fmt.Errorf("admission control: %v", got.DasConfig.AdmissionControlPolicy)
	}
	// What a change does not name stays.
	if err := reconfigure(f, &types.ClusterConfigSpecEx{DasConfig: &types.ClusterDasConfigInfo{Enabled: &no}}); err != nil {
		return err
	}
	got = configuration(f)
	if *got.DasConfig.Enabled || got.DasConfig.DefaultVmSettings.RestartPriority != "high" || !*got.DrsConfig.Enabled {
		return fmt.Errorf("after the second change: %v %v", got.DasConfig, got.DrsConfig)
	}
	if err := expect(reconfigure(f, &types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 9}}), "InvalidArgument"); err != nil {
		return err
	}
	return reconfigure(f, &types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{Enabled: &no, DefaultVmBehavior: types.DrsBehaviorFullyAutomated, VmotionRate: 3}})
}

func clusterMachines(f *flow) []types.ManagedObjectReference {
	machines, err := f.finder.VirtualMachineList(f.ctx, "*")
	if err != nil {
		panic(err)
	}
	var refs []types.ManagedObjectReference
	for _, each := range machines {
		refs = append(refs, each.Reference())
	}
	return refs
}

func clusterHosts(f *flow) []types.ManagedObjectReference {
	hosts, err := f.cluster.Hosts(f.ctx)
	if err != nil {
		panic(err)
	}
	var refs []types.ManagedObjectReference
	for _, each := range hosts {
		refs = append(refs, each.Reference())
	}
	return refs
}

func group(f *flow, operation types.ArrayUpdateOperation, info types.BaseClusterGroupInfo) error {
	spec := types.ClusterGroupSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}}
	if operation == types.ArrayUpdateOperationRemove {
		spec.RemoveKey = info.GetClusterGroupInfo().Name
	} else {
		spec.Info = info
	}
	return reconfigure(f, &types.ClusterConfigSpecEx{GroupSpec: []types.ClusterGroupSpec{spec}})
}

func vmGroup(name string, vms ...types.ManagedObjectReference) types.BaseClusterGroupInfo {
	return &types.ClusterVmGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Vm: vms}
}

func hostGroup(name string, hosts ...types.ManagedObjectReference) types.BaseClusterGroupInfo {
	return &types.ClusterHostGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Host: hosts}
}

const (
	add    = types.ArrayUpdateOperationAdd
	edit   = types.ArrayUpdateOperationEdit
	remove = types.ArrayUpdateOperationRemove
)

func groups(f *flow) error {
	vms, hosts := clusterMachines(f), clusterHosts(f)
	if len(configuration(f).Group) != 0 {
		return fmt.Errorf("groups of a new cluster: %v", configuration(f).Group)
	}
	if err := first(group(f, add, vmGroup("vms", vms[0], vms[1])), group(f, add, hostGroup("hosts", hosts...))); err != nil {
		return err
	}
	if err := expect(group(f, add, vmGroup("vms", vms[0])), "DuplicateName", "InvalidArgument"); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	if err := expect(group(f, add, vmGroup("wrong", hosts[0])), "InvalidArgument", "InvalidRequest"); err != nil {
		return fmt.Errorf("hosts among machines: %w", err)
	}
	if err := group(f, edit, vmGroup("vms", vms[0], vms[1], vms[2])); err != nil {
		return err
	}
	config := configuration(f)
	if len(config.Group) != 2 || len(config.Group[0].(*types.ClusterVmGroup).Vm) != 3 || len(config.Group[1].(*types.ClusterHostGroup).Host) != len(hosts) {
		return fmt.Errorf("groups: %v", config.Group)
	}
	if err := group(f, remove, vmGroup("vms")); err != nil {
		return err
	}
	if err := expect(group(f, remove, vmGroup("vms")), "NotFound", "InvalidArgument", "ManagedObjectNotFound"); err != nil {
		return fmt.Errorf("removed twice: %w", err)
	}
	return first(group(f, remove, hostGroup("hosts")), check(len(configuration(f).Group) == 0, "groups left"))
}

func rule(f *flow, operation types.ArrayUpdateOperation, info types.BaseClusterRuleInfo, key int32) error {
	spec := types.ClusterRuleSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}}
	if operation == types.ArrayUpdateOperationRemove {
		spec.RemoveKey = key
	} else {
		spec.Info = info
	}
	return reconfigure(f, &types.ClusterConfigSpecEx{RulesSpec: []types.ClusterRuleSpec{spec}})
}

func ruleNamed(f *flow, name string) types.BaseClusterRuleInfo {
	for _, each := range configuration(f).Rule {
		if each.GetClusterRuleInfo().Name == name {
			return each
		}
	}
	return nil
}

func rules(f *flow) error {
	vms, hosts := clusterMachines(f), clusterHosts(f)
	yes := true
	named := func(name string) types.ClusterRuleInfo { return types.ClusterRuleInfo{Name: name, Enabled: &yes} }
	if err := expect(rule(f, add, &types.ClusterAffinityRuleSpec{ClusterRuleInfo: named("one"), Vm: vms[:1]}, 0), "InvalidArgument"); err != nil {
		return fmt.Errorf("one machine: %w", err)
	}
	if err := rule(f, add, &types.ClusterAffinityRuleSpec{ClusterRuleInfo: named("pod1"), Vm: vms[:3]}, 0); err != nil {
		return err
	}
	made, is := ruleNamed(f, "pod1").(*types.ClusterAffinityRuleSpec)
	if !is || made.Key == 0 || len(made.Vm) != 3 || made.RuleUuid == "" || !*made.Enabled || made.UserCreated == nil || !*made.UserCreated {
		return fmt.Errorf("the rule: %+v", made)
	}
	made.Vm = vms[1:3]
	if err := rule(f, edit, made, 0); err != nil {
		return err
	}
	if got := ruleNamed(f, "pod1").(*types.ClusterAffinityRuleSpec); len(got.Vm) != 2 || got.Key != made.Key {
		return fmt.Errorf("changed: %v", got)
	}
	if err := rule(f, add, &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: named("apart"), Vm: vms[3:5]}, 0); err != nil {
		return err
	}
	if err := first(group(f, add, vmGroup("my-vms", vms[0], vms[1])), group(f, add, vmGroup("more", vms[2])), group(f, add, hostGroup("some", hosts[0]))); err != nil {
		return err
	}
	if err := rule(f, add, &types.ClusterVmHostRuleInfo{ClusterRuleInfo: named("pod2"), VmGroupName: "my-vms", AffineHostGroupName: "some"}, 0); err != nil {
		return err
	}
	if err := expect(rule(f, add, &types.ClusterVmHostRuleInfo{ClusterRuleInfo: named("bad"), VmGroupName: "nothing", AffineHostGroupName: "some"}, 0), "InvalidArgument", "NotFound"); err != nil {
		return fmt.Errorf("no such group: %w", err)
	}
	if err := rule(f, add, &types.ClusterDependencyRuleInfo{ClusterRuleInfo: named("deps"), VmGroup: "my-vms", DependsOnVmGroup: "more"}, 0); err != nil {
		return err
	}
	if len(configuration(f).Rule) != 4 {
		return fmt.Errorf("rules: %v", configuration(f).Rule)
	}
	for _, each := range configuration(f).Rule {
		if err := rule(f, remove, nil, each.GetClusterRuleInfo().Key); err != nil {
			return err
		}
	}
	if err := expect(rule(f, remove, nil, made.Key), "NotFound", "InvalidArgument", "ManagedObjectNotFound"); err != nil {
		return fmt.Errorf("removed twice: %w", err)
	}
	return first(group(f, remove, vmGroup("my-vms")), group(f, remove, vmGroup("more")), group(f, remove, hostGroup("some")))
}

func overrides(f *flow) error {
	vm := clusterMachines(f)[0]
	no := false
	drs := func(operation types.ArrayUpdateOperation, info *types.ClusterDrsVmConfigInfo) error {
		spec := types.ClusterDrsVmConfigSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}, Info: info}
		if info == nil {
			spec.RemoveKey = vm
		}
		return reconfigure(f, &types.ClusterConfigSpecEx{DrsVmConfigSpec: []types.ClusterDrsVmConfigSpec{spec}})
	}
	das := func(operation types.ArrayUpdateOperation, info *types.ClusterDasVmConfigInfo) error {
		spec := types.ClusterDasVmConfigSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}, Info: info}
		if info == nil {
			spec.RemoveKey = vm
		}
		return reconfigure(f, &types.ClusterConfigSpecEx{DasVmConfigSpec: []types.ClusterDasVmConfigSpec{spec}})
	}
	if err := drs(add, &types.ClusterDrsVmConfigInfo{Key: vm, Enabled: &no}); err != nil {
		return err
	}
	if err := drs(edit, &types.ClusterDrsVmConfigInfo{Key: vm, Behavior: types.DrsBehaviorManual}); err != nil {
		return err
	}
	if err := das(add, &types.ClusterDasVmConfigInfo{Key: vm, DasSettings: &types.ClusterDasVmSettings{RestartPriority: "high"}}); err != nil {
		return err
	}
	config := configuration(f)
	if len(config.DrsVmConfig) != 1 || config.DrsVmConfig[0].Behavior != types.DrsBehaviorManual || len(config.DasVmConfig) != 1 ||
		config.DasVmConfig[0].DasSettings.RestartPriority != "high" {
		return fmt.Errorf("overrides: %v %v", config.DrsVmConfig, config.DasVmConfig)
	}
	if err := first(drs(remove, nil), das(remove, nil)); err != nil {
		return err
	}
	config = configuration(f)
	return check(len(config.DrsVmConfig) == 0 && len(config.DasVmConfig) == 0, config)
}

var poolSteps = []step{
	{"pool.create, info, change, rename, children, destroy", pools},
}

func allocation() *types.ResourceAllocationInfo {
	yes := true
	return &types.ResourceAllocationInfo{Reservation: types.NewInt64(0), Limit: types.NewInt64(-1), ExpandableReservation: &yes,
		Shares: &types.SharesInfo{Level: types.SharesLevelNormal}}
}

func pools(f *flow) error {
	root, err := f.cluster.ResourcePool(f.ctx)
	if err != nil {
		return err
	}
	spec := types.ResourceConfigSpec{CpuAllocation: *allocation(), MemoryAllocation: *allocation()}
	spec.CpuAllocation.Shares.Level = types.SharesLevelLow
	spec.MemoryAllocation.Reservation = types.NewInt64(16)
	pool, err := root.Create(f.ctx, "gold", spec)
	if err != nil {
		return err
	}
	if _, err := root.Create(f.ctx, "gold", spec); expect(err, "DuplicateName") != nil {
		return expect(err, "DuplicateName")
	}
	huge := spec
	huge.MemoryAllocation.Reservation = types.NewInt64(1 << 40)
	if _, err := root.Create(f.ctx, "huge", huge); expect(err, "InsufficientResourcesFault", "InsufficientMemoryResourcesFault") != nil {
		return fmt.Errorf("a reservation nobody can have: %v", err)
	}
	for _, name := range []string{"a", "b"} {
		if _, err := pool.Create(f.ctx, name, types.ResourceConfigSpec{CpuAllocation: *allocation(), MemoryAllocation: *allocation()}); err != nil {
			return err
		}
	}
	change := types.ResourceConfigSpec{}
	change.CpuAllocation = types.ResourceAllocationInfo{Shares: &types.SharesInfo{Level: types.SharesLevelHigh}}
	if err := pool.UpdateConfig(f.ctx, "silver", &change); err != nil {
		return fmt.Errorf("change: %w", err)
	}
	found, err := f.finder.ResourcePoolList(f.ctx, "*/Resources/silver/*")
	if err != nil || len(found) != 2 {
		return fmt.Errorf("children: %v %v", found, err)
	}
	t, err := pool.Destroy(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	found, err = f.finder.ResourcePoolList(f.ctx, "*/Resources/*")
	if err != nil || len(found) != 2 {
		return fmt.Errorf("children do not move up: %v %v", found, err)
	}
	if err := root.DestroyChildren(f.ctx); err != nil {
		return err
	}
	t, err = root.Destroy(f.ctx)
	return expect(ended(f, t, err), "NotSupported", "InvalidArgument")
}

package main

import (
	"fmt"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/license"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var managerSteps = []step{
	{"fields: add, DuplicateName, set, info, rename, rm", fields},
	{"extension: register, info, update, unregister", extensions},
	{"option.ls, option.set", options},
	{"session.ls, rm", sessions},
	{"session.login -ticket", func(f *flow) error {
		ticket, err := f.client.SessionManager.AcquireCloneTicket(f.ctx)
		if err != nil {
			return err
		}
		other, err := newClient(f)
		if err != nil {
			return err
		}
		return first(other.SessionManager.CloneSession(f.ctx, ticket), other.Logout(f.ctx))
	}},
	{"license.ls, decode, add of a wrong one, assigned.ls", licenses},
	{"role.ls, create, update, usage, remove; permissions.ls, set, remove", roles},
	{"sso, tags, vapp, dvs: what is not there is not offered", func(f *flow) error {
		content := f.client.ServiceContent
		if content.OvfManager != nil || content.DvSwitchManager != nil || content.CryptoManager != nil {
			return fmt.Errorf("%+v", content)
		}
		_, err := methods.CreateDVS_Task(f.ctx, f.client, &types.CreateDVS_Task{This: f.folders.NetworkFolder.Reference(),
			Spec: types.DVSCreateSpec{ConfigSpec: &types.DVSConfigSpec{Name: "no"}}})
		return expect(err, "NotSupported", "MethodNotFound", "NotImplemented")
	}},
	{"logs.ls, logs", func(f *flow) error {
		if f.client.ServiceContent.DiagnosticManager == nil {
			return nil
		}
		found, err := object.NewDiagnosticManager(f.client.Client).QueryDescriptions(f.ctx, nil)
		return first(err, check(len(found) > 0, found))
	}},
}

func fields(f *flow) error {
	manager, err := object.GetCustomFieldsManager(f.client.Client)
	if err != nil {
		return err
	}
	field, err := manager.Add(f.ctx, "colour", "VirtualMachine", nil, nil)
	if err != nil {
		return err
	}
	if _, err := manager.Add(f.ctx, "colour", "VirtualMachine", nil, nil); expect(err, "DuplicateName") != nil {
		return expect(err, "DuplicateName")
	}
	if err := manager.Set(f.ctx, f.machine.Reference(), field.Key, "blue"); err != nil {
		return err
	}
	if err := expect(manager.Set(f.ctx, f.cluster.Reference(), field.Key, "blue"), "InvalidArgument"); err != nil {
		return fmt.Errorf("a machine's field of a cluster: %w", err)
	}
	if err := expect(manager.Set(f.ctx, f.machine.Reference(), 987654, "blue"), "InvalidArgument"); err != nil {
		return err
	}
	var machine mo.VirtualMachine
	if err := collect(f, f.machine.Reference(), []string{"customValue", "availableField", "summary.customValue"}, &machine); err != nil {
		return err
	}
	if len(machine.CustomValue) != 1 || machine.CustomValue[0].(*types.CustomFieldStringValue).Value != "blue" || len(machine.AvailableField) == 0 || len(machine.Summary.CustomValue) != 1 {
		return fmt.Errorf("%v %v %v", machine.CustomValue, machine.AvailableField, machine.Summary.CustomValue)
	}
	if err := manager.Rename(f.ctx, field.Key, "shade"); err != nil {
		return err
	}
	key, err := manager.FindKey(f.ctx, "shade")
	if err != nil || key != field.Key {
		return fmt.Errorf("renamed: %d %v", key, err)
	}
	if err := manager.Remove(f.ctx, key); err != nil {
		return err
	}
	machine = mo.VirtualMachine{}
	if err := collect(f, f.machine.Reference(), []string{"customValue"}, &machine); err != nil {
		return err
	}
	return first(check(len(machine.CustomValue) == 0, machine.CustomValue), expect(manager.Remove(f.ctx, key), "InvalidArgument"))
}

func extensions(f *flow) error {
	manager, err := object.GetExtensionManager(f.client.Client)
	if err != nil {
		return err
	}
	extension := types.Extension{Key: "org.example.x", Version: "1.0", Company: "Example", Description: &types.Description{Label: "one", Summary: "x"}}
	extension.LastHeartbeatTime = extension.LastHeartbeatTime.UTC()
	if err := manager.Register(f.ctx, extension); err != nil {
		return err
	}
	if err := expect(manager.Register(f.ctx, extension), "InvalidArgument", "AlreadyExists"); err != nil {
		return err
	}
	found, err := manager.Find(f.ctx, extension.Key)
	if err != nil || found == nil || found.Description.GetDescription().Label != "one" {
		return fmt.Errorf("%v %v", found, err)
	}
	extension.Description.GetDescription().Label = "two"
	if err := manager.Update(f.ctx, extension); err != nil {
		return err
	}
	if found, err = manager.Find(f.ctx, extension.Key); err != nil || found.Description.GetDescription().Label != "two" {
		return fmt.Errorf("%v %v", found, err)
	}
	if err := manager.Unregister(f.ctx, extension.Key); err != nil {
		return err
	}
	if err := expect(manager.Unregister(f.ctx, extension.Key), "NotFound"); err != nil {
		return err
	}
	found, err = manager.Find(f.ctx, extension.Key)
	return first(err, check(found == nil, found))
}

func options(f *flow) error {
	manager := object.NewOptionManager(f.client.Client, *f.client.ServiceContent.Setting)
	all, err := manager.Query(f.ctx, "")
	if err != nil || len(all) == 0 {
		return fmt.Errorf("%v %v", all, err)
	}
	some, err := manager.Query(f.ctx, "VirtualCenter.")
	if err != nil || len(some) == 0 || len(some) >= len(all) {
		return fmt.Errorf("prefix: %d of %d %v", len(some), len(all), err)
	}
	if _, err := manager.Query(f.ctx, "VirtualCenter.FQDN"); err != nil {
		return err
	}
	if _, err := manager.Query(f.ctx, "ENOENT"); expect(err, "InvalidName") != nil {
		return expect(err, "InvalidName")
	}
	var settings mo.OptionManager
	if err := collect(f, manager.Reference(), []string{"setting"}, &settings); err != nil {
		return err
	}
	if len(settings.Setting) != len(all) {
		return fmt.Errorf("%d settings, %d options", len(settings.Setting), len(all))
	}
	if err := manager.Update(f.ctx, []types.BaseOptionValue{&types.OptionValue{Key: "config.vpxd.example", Value: "1"}}); err != nil && expect(err, "InvalidName") != nil {
		return err
	}
	return nil
}

func newClient(f *flow) (*govmomi.Client, error) {
	bare := *f.address
	bare.User = nil
	return govmomi.NewClient(f.ctx, &bare, true)
}

func sessions(f *flow) error {
	other, err := newClient(f)
	if err != nil {
		return err
	}
	if err := other.SessionManager.Login(f.ctx, f.address.User); err != nil {
		return err
	}
	theirs, err := other.SessionManager.UserSession(f.ctx)
	if err != nil || theirs == nil {
		return fmt.Errorf("%v %v", theirs, err)
	}
	var manager mo.SessionManager
	if err := collect(f, *f.client.ServiceContent.SessionManager, []string{"sessionList", "currentSession"}, &manager); err != nil {
		return err
	}
	listed := false
	for _, each := range manager.SessionList {
		listed = listed || each.Key == theirs.Key && each.UserAgent != "" && each.IpAddress != ""
	}
	if !listed {
		return fmt.Errorf("%+v", manager.SessionList)
	}
	if err := f.client.SessionManager.TerminateSession(f.ctx, []string{theirs.Key}); err != nil {
		return err
	}
	if theirs, err = session.NewManager(other.Client).UserSession(f.ctx); err == nil && theirs != nil {
		return fmt.Errorf("the session lives: %v", theirs)
	}
	if err := expect(f.client.SessionManager.TerminateSession(f.ctx, []string{"enoent"}), "NotFound"); err != nil {
		return err
	}
	return expect(f.client.SessionManager.TerminateSession(f.ctx, []string{manager.CurrentSession.Key}), "InvalidArgument")
}

func licenses(f *flow) error {
	manager := license.NewManager(f.client.Client)
	found, err := manager.List(f.ctx)
	if err != nil || len(found) == 0 {
		return fmt.Errorf("%v %v", found, err)
	}
	if _, err := manager.Decode(f.ctx, found[0].LicenseKey); err != nil {
		return err
	}
	if _, err := manager.Add(f.ctx, "00000-00000-00000-00000-00001", nil); err != nil && expect(err, "InvalidArgument", "LicenseInvalid", "InvalidLicense") != nil {
		return err
	}
	assigned, err := manager.AssignmentManager(f.ctx)
	if err != nil {
		return err
	}
	all, err := assigned.QueryAssigned(f.ctx, "")
	if err != nil {
		return err
	}
	host, err := assigned.QueryAssigned(f.ctx, clusterHosts(f)[0].Value)
	if err != nil {
		return err
	}
	return check(len(all) >= 1 && len(host) == 1, all, host)
}

func roles(f *flow) error {
	manager := object.NewAuthorizationManager(f.client.Client)
	roles, err := manager.RoleList(f.ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"Admin", "ReadOnly", "NoAccess", "View", "Anonymous"} {
		if roles.ByName(name) == nil {
			return fmt.Errorf("no role %s", name)
		}
	}
	id, err := manager.AddRole(f.ctx, "tester", []string{"VirtualMachine.Interact.PowerOn"})
	if err != nil {
		return err
	}
	if _, err := manager.AddRole(f.ctx, "tester", nil); expect(err, "AlreadyExists") != nil {
		return expect(err, "AlreadyExists")
	}
	if _, err := manager.AddRole(f.ctx, "wrong", []string{"No.Such"}); expect(err, "InvalidArgument") != nil {
		return expect(err, "InvalidArgument")
	}
	if err := manager.UpdateRole(f.ctx, id, "tester2", []string{"VirtualMachine.Interact.PowerOff"}); err != nil {
		return err
	}
	if _, err := methods.CreateUser(f.ctx, f.client, &types.CreateUser{This: *f.client.ServiceContent.AccountManager,
		User: &types.HostAccountSpec{Id: "tester", Password: "a-Secret-9876"}}); err != nil {
		return err
	}
	permission := types.Permission{Principal: "tester", RoleId: id, Propagate: true}
	if err := manager.SetEntityPermissions(f.ctx, f.machine.Reference(), []types.Permission{permission}); err != nil {
		return err
	}
	own, err := manager.RetrieveEntityPermissions(f.ctx, f.machine.Reference(), false)
	if err != nil || len(own) != 1 || own[0].RoleId != id || own[0].Entity == nil || *own[0].Entity != f.machine.Reference() {
		return fmt.Errorf("%v %v", own, err)
	}
	used, err := manager.RetrieveRolePermissions(f.ctx, id)
	if err != nil || len(used) != 1 {
		return fmt.Errorf("usage: %v %v", used, err)
	}
	if err := expect(manager.RemoveRole(f.ctx, id, true), "RemoveFailed"); err != nil {
		return err
	}
	if err := manager.RemoveEntityPermission(f.ctx, f.machine.Reference(), permission.Principal, false); err != nil {
		return err
	}
	if err := expect(manager.RemoveEntityPermission(f.ctx, f.machine.Reference(), permission.Principal, false), "NotFound"); err != nil {
		return err
	}
	all, err := manager.RetrieveAllPermissions(f.ctx)
	if err != nil || len(all) == 0 {
		return fmt.Errorf("%v %v", all, err)
	}
	return first(manager.RemoveRole(f.ctx, id, true), expect(manager.RemoveRole(f.ctx, id, true), "NotFound"))
}

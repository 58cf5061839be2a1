package main

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var hostSteps = []step{
	{"host.info", func(f *flow) error {
		var host mo.HostSystem
		ref := clusterHosts(f)[0]
		if err := collect(f, ref, []string{"name", "summary", "hardware", "config", "capability", "runtime", "parent"}, &host); err != nil {
			return err
		}
		summary := host.Summary
		return check(*host.Parent == f.cluster.Reference() && summary.Config.Name == host.Name && summary.Config.Product != nil && summary.Hardware.Vendor != "" &&
			host.Hardware.SystemInfo.Vendor != "" && host.Runtime.ConnectionState == "connected" && host.Runtime.BootTime != nil && summary.ManagementServerIp != "", summary)
	}},
	{"host.service, host.option, host.storage, host.vnic, host.vswitch, host.portgroup, host.date, host.cert through the center", configurationOfHost},
	{"host.maintenance.enter, exit", func(f *flow) error {
		host := object.NewHostSystem(f.client.Client, clusterHosts(f)[0])
		if err := allOff(f); err != nil {
			return err
		}
		t, err := host.EnterMaintenanceMode(f.ctx, 0, false, nil)
		if err := ended(f, t, err); err != nil {
			return err
		}
		var properties mo.HostSystem
		if err := collect(f, host.Reference(), []string{"runtime.inMaintenanceMode"}, &properties); err != nil {
			return err
		}
		if !properties.Runtime.InMaintenanceMode {
			return fmt.Errorf("it is not in maintenance mode")
		}
		t, err = host.ExitMaintenanceMode(f.ctx, 0)
		if err := ended(f, t, err); err != nil {
			return err
		}
		t, err = host.ExitMaintenanceMode(f.ctx, 0)
		return expect(ended(f, t, err), "InvalidState")
	}},
	{"host.disconnect, reconnect", func(f *flow) error {
		host := object.NewHostSystem(f.client.Client, clusterHosts(f)[0])
		state := func() string {
			var properties mo.HostSystem
			if err := collect(f, host.Reference(), []string{"summary.runtime"}, &properties); err != nil {
				return err.Error()
			}
			return string(properties.Summary.Runtime.ConnectionState)
		}
		t, err := host.Disconnect(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		if state() != "disconnected" {
			return fmt.Errorf("after disconnect: %s", state())
		}
		t, err = host.Reconnect(f.ctx, nil, nil)
		if err := ended(f, t, err); err != nil {
			return err
		}
		return check(state() == "connected", state())
	}},
	{"QueryConnectionInfo: HostConnectInfo or SSLVerifyFault", func(f *flow) error {
		spec := hostSpec(f.hosts[0])
		_, err := methods.QueryConnectionInfo(f.ctx, f.client, &types.QueryConnectionInfo{This: f.datacenter.Reference(), Hostname: spec.HostName,
			Port: spec.Port, Username: spec.UserName, Password: spec.Password})
		return expect(err, "SSLVerifyFault", "AlreadyBeingManaged")
	}},
	{"datastore.info: hosts that have it mounted", func(f *flow) error {
		datastore, err := f.finder.Datastore(f.ctx, "shared")
		if err != nil {
			return err
		}
		var properties mo.Datastore
		if err := datastore.Properties(f.ctx, datastore.Reference(), nil, &properties); err != nil {
			return err
		}
		if len(properties.Host) != len(f.hosts) || !properties.Summary.Accessible || properties.Summary.MultipleHostAccess == nil || *properties.Summary.MultipleHostAccess != (len(f.hosts) > 1) {
			return fmt.Errorf("%v %+v", properties.Host, properties.Summary)
		}
		hosts, err := datastore.AttachedHosts(f.ctx)
		if err != nil || len(hosts) != len(f.hosts) {
			return fmt.Errorf("attached: %v %v", hosts, err)
		}
		_, err = methods.RefreshDatastore(f.ctx, f.client, &types.RefreshDatastore{This: datastore.Reference()})
		return err
	}},
	{"datastore.maintenance, reload: object.reload of every kind", func(f *flow) error {
		for _, ref := range []types.ManagedObjectReference{f.cluster.Reference(), f.machine.Reference(), clusterHosts(f)[0], f.folders.VmFolder.Reference()} {
			if _, err := methods.Reload(f.ctx, f.client, &types.Reload{This: ref}); err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
		}
		return nil
	}},
}

func configurationOfHost(f *flow) error {
	host := object.NewHostSystem(f.client.Client, clusterHosts(f)[0])
	config := host.ConfigManager()
	services, err := config.ServiceSystem(f.ctx)
	if err != nil {
		return err
	}
	if found, err := services.Service(f.ctx); err != nil || len(found) == 0 {
		return fmt.Errorf("services: %v %v", found, err)
	}
	options, err := config.OptionManager(f.ctx)
	if err != nil {
		return err
	}
	if found, err := options.Query(f.ctx, "Config.HostAgent."); err != nil || len(found) == 0 {
		return fmt.Errorf("options: %v %v", found, err)
	}
	if _, err := options.Query(f.ctx, "Config.HostAgent.plugins.solo.ENOENT"); expect(err, "InvalidName") != nil {
		return fmt.Errorf("an option that is not: %v", err)
	}
	storage, err := config.StorageSystem(f.ctx)
	if err != nil {
		return err
	}
	var system mo.HostStorageSystem
	if err := storage.Properties(f.ctx, storage.Reference(), nil, &system); err != nil {
		return err
	}
	if err := first(storage.RescanAllHba(f.ctx), storage.RescanVmfs(f.ctx), storage.Refresh(f.ctx)); err != nil {
		return err
	}
	network, err := config.NetworkSystem(f.ctx)
	if err != nil {
		return err
	}
	var networks mo.HostNetworkSystem
	if err := network.Properties(f.ctx, network.Reference(), []string{"networkInfo.vswitch", "networkInfo.portgroup", "networkInfo.vnic"}, &networks); err != nil {
		return err
	}
	if len(networks.NetworkInfo.Portgroup) == 0 {
		return fmt.Errorf("networks: %+v", networks.NetworkInfo)
	}
	dates, err := config.DateTimeSystem(f.ctx)
	if err != nil {
		return err
	}
	if _, err := dates.Query(f.ctx); err != nil {
		return err
	}
	certificates, err := config.CertificateManager(f.ctx)
	if err != nil {
		return err
	}
	if info, err := certificates.CertificateInfo(f.ctx); err != nil || info.NotAfter == nil {
		return fmt.Errorf("certificate: %v %v", info, err)
	}
	return nil
}

// allOff: machines with local disks can't leave a host that enters maintenance mode.
func allOff(f *flow) error {
	machines, err := f.finder.VirtualMachineList(f.ctx, "*")
	if err != nil {
		return err
	}
	for _, each := range machines {
		t, err := each.PowerOff(f.ctx)
		if err := expect(ended(f, t, err), "success", "InvalidPowerState"); err != nil {
			return err
		}
	}
	return nil
}

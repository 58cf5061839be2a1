package main

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/list"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// treeSteps make the inventory that later steps use: /<name>-dc with the cluster `blue` and its hosts.
var treeSteps = []step{
	{"about", func(f *flow) error {
		about := f.client.ServiceContent.About
		return check(f.client.IsVC() && about.ProductLineId == "vpx" && about.InstanceUuid != "" &&
			len(strings.Split(about.Version, ".")) == 3, about)
	}},
	{"no default datacenter while there is none", func(f *flow) error {
		_, err := f.finder.DefaultDatacenter(f.ctx)
		_, missing := err.(*find.DefaultNotFoundError)
		return check(missing, err)
	}},
	{"datacenter.create, its folders, a second of the same name", createDatacenter},
	{"datacenter.info of an empty one", func(f *flow) error {
		var dc mo.Datacenter
		if err := collect(f, f.datacenter.Reference(), []string{"name", "vmFolder", "hostFolder", "datastoreFolder", "networkFolder", "datastore", "network"}, &dc); err != nil {
			return err
		}
		return check(dc.Name == f.name+"-dc" && len(dc.Datastore) == 0 && len(dc.Network) == 0, dc)
	}},
	{"ls of a datacenter: four folders", func(f *flow) error {
		found, err := f.finder.ManagedObjectListChildren(f.ctx, "/"+f.name+"-dc")
		return first(err, check(len(found) == 4, found))
	}},
	{"folder.create, info, DuplicateName, rename, mv, destroy", folders},
	{"folder of a wrong kind: NotSupported", func(f *flow) error {
		_, err := f.folders.HostFolder.CreateDatacenter(f.ctx, "no")
		if err := expect(err, "NotSupported"); err != nil {
			return err
		}
		_, err = f.folders.VmFolder.CreateCluster(f.ctx, "no", types.ClusterConfigSpecEx{})
		return expect(err, "NotSupported")
	}},
	{"names: empty is InvalidName, / is escaped, 80 characters at most", names},
	{"what belongs to a datacenter can't be destroyed, renamed or moved alone", fixed},
	{"destroy of folders and datacenters that are not empty", destroyFull},
	{"cluster.create, DuplicateName", createCluster},
	{"cluster.add: SSLVerifyFault with the thumbprint first", addHosts},
	{"host.add of a host that is there: AlreadyBeingManaged, DuplicateName or AlreadyConnected", func(f *flow) error {
		spec := hostSpec(f.hosts[0])
		var host mo.HostSystem
		found, err := f.finder.HostSystemList(f.ctx, "*/*")
		if err != nil {
			return err
		}
		if err := collect(f, found[0].Reference(), []string{"config.certificate", "summary.config.sslThumbprint"}, &host); err != nil {
			return err
		}
		spec.SslThumbprint = host.Summary.Config.SslThumbprint
		t, err := f.folders.HostFolder.AddStandaloneHost(f.ctx, spec, true, nil, nil)
		return expect(ended(f, t, err), "AlreadyConnected", "AlreadyBeingManaged", "DuplicateName", "AlreadyExists")
	}},
	{"ls, tree: every path leads back to its object, also of machines that came with one name", func(f *flow) error {
		var last error
		err := until(f, "unique paths", func() (bool, error) {
			last = paths(f)
			return last == nil, nil
		})
		if err != nil {
			return last
		}
		return nil
	}},
}

func createDatacenter(f *flow) error {
	root := object.NewRootFolder(f.client.Client)
	var err error
	if f.datacenter, err = root.CreateDatacenter(f.ctx, f.name+"-dc"); err != nil {
		return err
	}
	if _, err = root.CreateDatacenter(f.ctx, f.name+"-dc"); err != nil {
		if err := expect(err, "DuplicateName"); err != nil {
			return err
		}
		fault, is := soap.ToSoapFault(err).VimFault().(types.DuplicateName)
		if !is || fault.Object != f.datacenter.Reference() || fault.Name != f.name+"-dc" {
			return fmt.Errorf("DuplicateName says %v", fault)
		}
	} else {
		return fmt.Errorf("a second datacenter of the same name")
	}
	if f.datacenter, err = f.finder.DefaultDatacenter(f.ctx); err != nil {
		return err
	}
	f.finder.SetDatacenter(f.datacenter)
	f.folders, err = f.datacenter.Folders(f.ctx)
	return err
}

func folders(f *flow) error {
	one, err := f.folders.VmFolder.CreateFolder(f.ctx, "one")
	if err != nil {
		return err
	}
	if _, err := f.folders.VmFolder.CreateFolder(f.ctx, "one"); expect(err, "DuplicateName") != nil {
		return expect(err, "DuplicateName")
	}
	two, err := f.folders.VmFolder.CreateFolder(f.ctx, "two")
	if err != nil {
		return err
	}
	inner, err := one.CreateFolder(f.ctx, "inner")
	if err != nil {
		return err
	}
	t, err := two.MoveInto(f.ctx, []types.ManagedObjectReference{inner.Reference()})
	if err := ended(f, t, err); err != nil {
		return err
	}
	if _, err := f.finder.Folder(f.ctx, "vm/two/inner"); err != nil {
		return err
	}
	t, err = inner.MoveInto(f.ctx, []types.ManagedObjectReference{two.Reference()})
	if err := expect(ended(f, t, err), "InvalidFolder"); err != nil {
		return fmt.Errorf("a folder into its own child: %w", err)
	}
	t, err = f.folders.HostFolder.MoveInto(f.ctx, []types.ManagedObjectReference{two.Reference()})
	if err := expect(ended(f, t, err), "NotSupported", "InvalidFolder"); err != nil {
		return fmt.Errorf("a folder of machines among hosts: %w", err)
	}
	renamed := object.NewCommon(f.client.Client, two.Reference())
	t, err = renamed.Rename(f.ctx, "one")
	if err := expect(ended(f, t, err), "DuplicateName"); err != nil {
		return err
	}
	t, err = renamed.Rename(f.ctx, "three")
	if err := ended(f, t, err); err != nil {
		return err
	}
	if _, err := f.finder.Folder(f.ctx, "vm/three/inner"); err != nil {
		return err
	}
	for _, each := range []*object.Folder{one, two} {
		t, err := each.Destroy(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
	}
	t, err = one.Destroy(f.ctx)
	return expect(ended(f, t, err), "ManagedObjectNotFound")
}

func names(f *flow) error {
	_, err := f.folders.VmFolder.CreateFolder(f.ctx, "")
	if err := expect(err, "InvalidName"); err != nil {
		return err
	}
	_, err = f.folders.VmFolder.CreateFolder(f.ctx, strings.Repeat("x", 81))
	if err := expect(err, "InvalidName"); err != nil {
		return err
	}
	odd, err := f.folders.VmFolder.CreateFolder(f.ctx, "a%2fb")
	if err != nil {
		return err
	}
	name, err := odd.ObjectName(f.ctx)
	if err != nil {
		return err
	}
	t, err := odd.Destroy(f.ctx)
	return first(ended(f, t, err), check(name == "a%2fb" || name == "a/b", name))
}

func fixed(f *flow) error {
	for _, ref := range []types.ManagedObjectReference{f.folders.VmFolder.Reference(), f.folders.HostFolder.Reference(), f.client.ServiceContent.RootFolder} {
		common := object.NewCommon(f.client.Client, ref)
		t, err := common.Destroy(f.ctx)
		if err := expect(ended(f, t, err), "NotSupported"); err != nil {
			return fmt.Errorf("destroy %s: %w", ref, err)
		}
		t, err = common.Rename(f.ctx, "other")
		if err := expect(ended(f, t, err), "NotSupported"); err != nil {
			return fmt.Errorf("rename %s: %w", ref, err)
		}
	}
	other, err := object.NewRootFolder(f.client.Client).CreateFolder(f.ctx, "other")
	if err != nil {
		return err
	}
	t, err := other.MoveInto(f.ctx, []types.ManagedObjectReference{f.folders.VmFolder.Reference()})
	if err := expect(ended(f, t, err), "NotSupported"); err != nil {
		return err
	}
	t, err = other.Destroy(f.ctx)
	return ended(f, t, err)
}

func destroyFull(f *flow) error {
	root := object.NewRootFolder(f.client.Client)
	outer, err := root.CreateFolder(f.ctx, "outer")
	if err != nil {
		return err
	}
	for _, name := range []string{"dc1", "dc2"} {
		dc, err := outer.CreateDatacenter(f.ctx, name)
		if err != nil {
			return err
		}
		folders, err := dc.Folders(f.ctx)
		if err != nil {
			return err
		}
		if _, err := folders.VmFolder.CreateFolder(f.ctx, "deep"); err != nil {
			return err
		}
		if _, err := folders.HostFolder.CreateCluster(f.ctx, "blue", types.ClusterConfigSpecEx{}); err != nil {
			return err
		}
	}
	finder := find.NewFinder(f.client.Client, true)
	found, err := finder.DatacenterList(f.ctx, "/outer/*")
	if err != nil || len(found) != 2 {
		return fmt.Errorf("%v %v", found, err)
	}
	t, err := found[0].Destroy(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	t, err = outer.Destroy(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	_, err = finder.DatacenterList(f.ctx, "/outer/*")
	return check(err != nil, "still there")
}

func createCluster(f *flow) error {
	var err error
	if f.cluster, err = f.folders.HostFolder.CreateCluster(f.ctx, "blue", types.ClusterConfigSpecEx{}); err != nil {
		return err
	}
	_, err = f.folders.HostFolder.CreateCluster(f.ctx, "blue", types.ClusterConfigSpecEx{})
	if err := expect(err, "DuplicateName"); err != nil {
		return err
	}
	f.cluster, err = f.finder.ClusterComputeResource(f.ctx, "*")
	return err
}

func hostSpec(host *url.URL) types.HostConnectSpec {
	password, _ := host.User.Password()
	port, _ := strconv.Atoi(host.Port())
	return types.HostConnectSpec{HostName: host.Hostname(), Port: int32(port),
		UserName: host.User.Username(), Password: password}
}

func thumbprintOf(err error) string {
	var failed task.Error
	if errors.As(err, &failed) {
		if fault, is := failed.Fault().(*types.SSLVerifyFault); is {
			return fault.Thumbprint
		}
	}
	return ""
}

func addHosts(f *flow) error {
	for _, host := range f.hosts {
		spec := hostSpec(host)
		t, err := f.cluster.AddHost(f.ctx, spec, true, nil, nil)
		err = ended(f, t, err)
		if err := expect(err, "SSLVerifyFault"); err != nil {
			return err
		}
		spec.SslThumbprint = thumbprintOf(err)
		t, err = f.cluster.AddHost(f.ctx, spec, true, nil, nil)
		if err != nil {
			return err
		}
		info, err := t.WaitForResult(f.ctx, nil)
		if err != nil {
			return err
		}
		if ref, is := info.Result.(types.ManagedObjectReference); !is || ref.Type != "HostSystem" {
			return fmt.Errorf("the task's result is %v", info.Result)
		}
		if info.EntityName == "" || info.DescriptionId != "ClusterComputeResource.addHost" {
			return fmt.Errorf("the task is %s of %s", info.DescriptionId, info.EntityName)
		}
	}
	return until(f, "a summary of all hosts", func() (bool, error) {
		var cluster mo.ClusterComputeResource
		paths := []string{"host", "summary", "datastore", "network", "resourcePool", "environmentBrowser"}
		if err := collect(f, f.cluster.Reference(), paths, &cluster); err != nil {
			return false, err
		}
		summary := cluster.Summary.GetComputeResourceSummary()
		return len(cluster.Host) == len(f.hosts) && int(summary.NumHosts) == len(f.hosts) && int(summary.NumEffectiveHosts) == len(f.hosts) &&
			summary.TotalCpu > 0 && summary.EffectiveMemory > 0 && len(cluster.Datastore) > 0 && len(cluster.Network) > 0 &&
			cluster.EnvironmentBrowser != nil, nil
	})
}

// paths walks as `tree` and `find` do and asks FindByInventoryPath for every path on the way.
func paths(f *flow) error {
	index := object.NewSearchIndex(f.client.Client)
	var walk func(ref types.ManagedObjectReference, path string, depth int) (int, error)
	walk = func(ref types.ManagedObjectReference, path string, depth int) (int, error) {
		lister := list.Lister{Collector: f.client.PropertyCollector(), Reference: ref, Prefix: path}
		found, err := lister.List(f.ctx)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		count := 0
		for _, element := range found {
			count++
			got, err := index.FindByInventoryPath(f.ctx, element.Path)
			if err != nil {
				return 0, err
			}
			if got == nil || got.Reference() != element.Object.Reference() {
				return 0, fmt.Errorf("%s leads to %v, not %v", element.Path, got, element.Object.Reference())
			}
			kind := element.Object.Reference().Type
			if depth < 6 && (kind == "Folder" || kind == "Datacenter" || strings.HasSuffix(kind, "ComputeResource") || kind == "ResourcePool") {
				below, err := walk(element.Object.Reference(), element.Path, depth+1)
				if err != nil {
					return 0, err
				}
				count += below
			}
		}
		return count, nil
	}
	count, err := walk(f.client.ServiceContent.RootFolder, "/", 0)
	return first(err, check(count > 15, count))
}

// ancestors of an object, as `find` and `ls -l` ask for them.
func ancestors(f *flow, ref types.ManagedObjectReference) (string, error) {
	found, err := mo.Ancestors(f.ctx, f.client, f.client.ServiceContent.PropertyCollector, ref)
	if err != nil {
		return "", err
	}
	var names []string
	for _, entity := range found[1:] {
		names = append(names, entity.Name)
	}
	return "/" + strings.Join(names, "/"), nil
}

func sorted(some []string) string {
	sort.Strings(some)
	return strings.Join(some, " ")
}

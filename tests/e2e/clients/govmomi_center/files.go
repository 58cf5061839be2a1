package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var fileSteps = []step{
	{"datastore.mkdir, upload, ls, cp, mv, download, rm", transfer},
	{"datastore.disk.create, info, inflate, cp, rm", virtualDisks},
}

func transfer(f *flow) error {
	datastore, err := f.finder.Datastore(f.ctx, "shared")
	if err != nil {
		return err
	}
	files := object.NewFileManager(f.client.Client)
	place := f.name + "-files"
	if err := files.MakeDirectory(f.ctx, datastore.Path(place+"/a"), f.datacenter, true); err != nil {
		return err
	}
	if err := expect(files.MakeDirectory(f.ctx, datastore.Path(place+"/a"), f.datacenter, false), "FileAlreadyExists"); err != nil {
		return err
	}
	text := strings.Repeat("Hello world!\n", 1000)
	if err := datastore.Upload(f.ctx, strings.NewReader(text), place+"/a/up.txt", &soap.Upload{Type: "application/octet-stream", Method: "PUT", ContentLength: int64(len(text))}); err != nil {
		return err
	}
	info, err := datastore.Stat(f.ctx, place+"/a/up.txt")
	if err != nil || info.GetFileInfo().FileSize != int64(len(text)) {
		return fmt.Errorf("%v %v", info, err)
	}
	manager := datastore.NewFileManager(f.datacenter, false)
	if err := manager.Copy(f.ctx, place+"/a/up.txt", place+"/a/copy.txt"); err != nil {
		return err
	}
	if err := expect(manager.Copy(f.ctx, place+"/a/up.txt", place+"/a/copy.txt"), "FileAlreadyExists"); err != nil {
		return err
	}
	if err := manager.Move(f.ctx, place+"/a/copy.txt", place+"/moved.txt"); err != nil {
		return err
	}
	body, size, err := datastore.Download(f.ctx, place+"/moved.txt", &soap.DefaultDownload)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != text || size != int64(len(text)) {
		return fmt.Errorf("%d bytes of %d: %v", len(got), size, err)
	}
	if err := expect(manager.DeleteFile(f.ctx, place+"/nothing.txt"), "FileNotFound"); err != nil {
		return err
	}
	_, err = datastore.Stat(f.ctx, place+"/nothing.txt")
	if _, right := err.(object.DatastoreNoSuchFileError); !right {
		return fmt.Errorf("no such file: %v", err)
	}
	_, err = datastore.Stat(f.ctx, "nothing-here/nothing.txt")
	if _, right := err.(object.DatastoreNoSuchDirectoryError); !right {
		return fmt.Errorf("no such directory: %v", err)
	}
	return manager.Delete(f.ctx, place)
}

func virtualDisks(f *flow) error {
	datastore, err := f.finder.Datastore(f.ctx, "shared")
	if err != nil {
		return err
	}
	disks := object.NewVirtualDiskManager(f.client.Client)
	name, copied := datastore.Path(f.name+"-disk.vmdk"), datastore.Path(f.name+"-disk-copy.vmdk")
	spec := &types.FileBackedVirtualDiskSpec{VirtualDiskSpec: types.VirtualDiskSpec{AdapterType: string(types.VirtualDiskAdapterTypeLsiLogic), DiskType: string(types.VirtualDiskTypeThin)}, CapacityKb: 4096}
	t, err := disks.CreateVirtualDisk(f.ctx, name, f.datacenter, spec)
	if err := ended(f, t, err); err != nil {
		return err
	}
	t, err = disks.CreateVirtualDisk(f.ctx, name, f.datacenter, spec)
	if err := expect(ended(f, t, err), "FileAlreadyExists"); err != nil {
		return err
	}
	uuid, err := disks.QueryVirtualDiskUuid(f.ctx, name, f.datacenter)
	if err != nil || uuid == "" {
		return fmt.Errorf("uuid %q %v", uuid, err)
	}
	t, err = disks.ShrinkVirtualDisk(f.ctx, name, f.datacenter, nil)
	if err := ended(f, t, err); err != nil {
		return fmt.Errorf("shrink: %w", err)
	}
	t, err = disks.InflateVirtualDisk(f.ctx, name, f.datacenter)
	if err := ended(f, t, err); err != nil {
		return fmt.Errorf("inflate: %w", err)
	}
	t, err = disks.CopyVirtualDisk(f.ctx, name, f.datacenter, copied, f.datacenter, nil, false)
	if err := ended(f, t, err); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	info, err := disks.QueryVirtualDiskInfo(f.ctx, copied, f.datacenter, false)
	if err != nil || len(info) != 1 {
		return fmt.Errorf("info: %v %v", info, err)
	}
	for _, each := range []string{name, copied} {
		t, err := disks.DeleteVirtualDisk(f.ctx, each, f.datacenter)
		if err := ended(f, t, err); err != nil {
			return err
		}
	}
	t, err = disks.DeleteVirtualDisk(f.ctx, name, f.datacenter)
	return expect(ended(f, t, err), "FileNotFound")
}

// endSteps take away what the others made.
var endSteps = []step{
	{"vm.destroy", func(f *flow) error {
		t, err := f.machine.Destroy(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		return expect(f.machine.Unregister(f.ctx), "ManagedObjectNotFound")
	}},
	{"host.remove after maintenance mode", func(f *flow) error {
		host := object.NewHostSystem(f.client.Client, clusterHosts(f)[0])
		t, err := host.Disconnect(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		t, err = object.NewCommon(f.client.Client, host.Reference()).Destroy(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		return check(len(clusterHosts(f)) == len(f.hosts)-1, clusterHosts(f))
	}},
	{"object.destroy of a cluster with hosts and of its datacenter", func(f *flow) error {
		t, err := f.datacenter.Destroy(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		children, err := object.NewRootFolder(f.client.Client).Children(f.ctx)
		return first(err, check(len(children) == 0, children))
	}},
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var fileSteps = []step{
	{"datastore.info", func(f *flow) error {
		kind, err := f.datastore.Type(f.ctx)
		if err != nil {
			return err
		}
		hosts, err := f.datastore.AttachedHosts(f.ctx)
		if err != nil {
			return err
		}
		return check(kind != "" && len(hosts) == 1, kind, hosts)
	}},
	{"datastore.mkdir, upload, download, tail of a file", transfer},
	{"datastore.ls, with sizes and in subdirectories", browse},
	{"datastore.cp and mv", copies},
	{"datastore.rm", func(f *flow) error {
		return manager(f).Delete(f.ctx, f.name+"-files")
	}},
	{"what is not there: no such file, no such directory", func(f *flow) error {
		_, err := f.datastore.Stat(f.ctx, f.name+"/nothing.txt")
		if _, right := err.(object.DatastoreNoSuchFileError); !right {
			return fmt.Errorf("file: %T %v", err, err)
		}
		_, err = f.datastore.Stat(f.ctx, "nothing-here/nothing.txt")
		_, right := err.(object.DatastoreNoSuchDirectoryError)
		return check(right, err)
	}},
	{"datastore.disk.create, info, copy and rm", virtualDisks},
}

func manager(f *flow) *object.DatastoreFileManager {
	datacenter, err := f.finder.DefaultDatacenter(f.ctx)
	if err != nil {
		fail(err)
	}
	return f.datastore.NewFileManager(datacenter, true)
}

func transfer(f *flow) error {
	datacenter, err := f.finder.DefaultDatacenter(f.ctx)
	if err != nil {
		return err
	}
	files := object.NewFileManager(f.client.Client)
	if err := files.MakeDirectory(f.ctx, f.datastore.Path(f.name+"-files/a/b"), datacenter, true); err != nil {
		return err
	}
	text := strings.Repeat("a line of text\n", 5000)
	upload := soap.DefaultUpload
	if err := f.datastore.Upload(f.ctx, strings.NewReader(text), f.name+"-files/a/b/up.txt", &upload); err != nil {
		return err
	}
	body, size, err := f.datastore.Download(f.ctx, f.name+"-files/a/b/up.txt", &soap.DefaultDownload)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if size != int64(len(text)) || string(got) != text {
		return fmt.Errorf("%d bytes came back of %d", len(got), len(text))
	}
	local := filepath.Join(os.TempDir(), f.name)
	defer os.Remove(local)
	if err := f.datastore.DownloadFile(f.ctx, f.name+"-files/a/b/up.txt", local, nil); err != nil {
		return err
	}
	if err := f.datastore.UploadFile(f.ctx, local, f.name+"-files/again.txt", nil); err != nil {
		return err
	}
	info, err := f.datastore.Stat(f.ctx, f.name+"-files/again.txt")
	if err != nil {
		return err
	}
	if info.GetFileInfo().FileSize != int64(len(text)) {
		return fmt.Errorf("size %d", info.GetFileInfo().FileSize)
	}
	file, err := f.datastore.Open(f.ctx, f.name+"-files/again.txt")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Tail(3); err != nil {
		return err
	}
	var end bytes.Buffer
	if _, err := io.Copy(&end, file); err != nil {
		return err
	}
	return check(end.String() == strings.Repeat("a line of text\n", 3), end.String())
}

func browse(f *flow) error {
	browser, err := f.datastore.Browser(f.ctx)
	if err != nil {
		return err
	}
	spec := types.HostDatastoreBrowserSearchSpec{
		MatchPattern: []string{"*"},
		Details:      &types.FileQueryFlags{FileType: true, FileSize: true, FileOwner: types.NewBool(true), Modification: true},
	}
	t, err := browser.SearchDatastoreSubFolders(f.ctx, f.datastore.Path(f.name+"-files"), &spec)
	if err != nil {
		return err
	}
	info, err := t.WaitForResult(f.ctx, nil)
	if err != nil {
		return err
	}
	folders, right := info.Result.(types.ArrayOfHostDatastoreBrowserSearchResults)
	if !right || len(folders.HostDatastoreBrowserSearchResults) != 3 {
		return fmt.Errorf("%v", info.Result)
	}
	t, err = browser.SearchDatastore(f.ctx, f.datastore.Path(""), &spec)
	if err != nil {
		return err
	}
	info, err = t.WaitForResult(f.ctx, nil)
	if err != nil {
		return err
	}
	result, right := info.Result.(types.HostDatastoreBrowserSearchResults)
	return check(right && len(result.File) >= 2, info.Result)
}

func copies(f *flow) error {
	m := manager(f)
	if err := m.CopyFile(f.ctx, f.name+"-files/again.txt", f.name+"-files/copy.txt"); err != nil {
		return err
	}
	if err := m.MoveFile(f.ctx, f.name+"-files/copy.txt", f.name+"-files/moved.txt"); err != nil {
		return err
	}
	if _, err := f.datastore.Stat(f.ctx, f.name+"-files/moved.txt"); err != nil {
		return err
	}
	_, err := f.datastore.Stat(f.ctx, f.name+"-files/copy.txt")
	return check(err != nil, "the moved file is at both places")
}

func virtualDisks(f *flow) error {
	datacenter, err := f.finder.DefaultDatacenter(f.ctx)
	if err != nil {
		return err
	}
	disks := object.NewVirtualDiskManager(f.client.Client)
	path := f.datastore.Path(f.name + "-disk.vmdk")
	t, err := disks.CreateVirtualDisk(f.ctx, path, datacenter, &types.FileBackedVirtualDiskSpec{
		VirtualDiskSpec: types.VirtualDiskSpec{AdapterType: "lsiLogic", DiskType: "thin"}, CapacityKb: 4096})
	if err := ended(f, t, err); err != nil {
		return err
	}
	uuid, err := disks.QueryVirtualDiskUuid(f.ctx, path, datacenter)
	if err != nil {
		return err
	}
	if len(uuid) != 47 {
		return fmt.Errorf("uuid %q", uuid)
	}
	other := f.datastore.Path(f.name + "-copy.vmdk")
	t, err = disks.CopyVirtualDisk(f.ctx, path, datacenter, other, datacenter, &types.VirtualDiskSpec{AdapterType: "lsiLogic", DiskType: "thin"}, false)
	if err := ended(f, t, err); err != nil {
		return err
	}
	moved := f.datastore.Path(f.name + "-moved.vmdk")
	t, err = disks.MoveVirtualDisk(f.ctx, other, datacenter, moved, datacenter, false)
	if err := ended(f, t, err); err != nil {
		return err
	}
	for _, each := range []string{path, moved} {
		t, err = disks.DeleteVirtualDisk(f.ctx, each, datacenter)
		if err := ended(f, t, err); err != nil {
			return err
		}
	}
	return nil
}

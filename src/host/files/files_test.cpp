#include "host/files/browser.hpp"
#include "host/files/disk_service.hpp"
#include "host/files/file_service.hpp"
#include "host/files/test_host.hpp"
#include "storage/vm_lease.hpp"

namespace drover::host::files {
namespace {

using vim::TypeId;
using vim::Value;

class Files : public testing::Test {
protected:
    Files() {
        serve_browsers(host.context, host.in_use());
        serve_file_manager(host.context, host.in_use());
        serve_disk_manager(host.context, host.in_use());
    }

    vim::HostDatastoreBrowserSearchResults search(const std::string& path,
                                                  vim::HostDatastoreBrowserSearchSpec spec = {}) {
        auto request = vim::SearchDatastore_TaskRequest::make();
        request.set_datastorePath(path);
        if (spec) request.set_searchSpec(spec);
        return vim::HostDatastoreBrowserSearchResults(
            host.call_task(references::datastore_browser, "SearchDatastore_Task", request));
    }

    static std::vector<std::string> paths(const vim::HostDatastoreBrowserSearchResults& results) {
        std::vector<std::string> found;
        for (const auto& file : results.file()) found.emplace_back(file.path());
        return found;
    }

    void make_directory(const std::string& name, bool parents = false) {
        auto request = vim::MakeDirectoryRequest::make();
        request.set_name(name);
        request.set_createParentDirectories(parents);
        host.call(references::file_manager, "MakeDirectory", request);
    }

    template <class Request>
    void transfer(std::string_view method, const std::string& from, const std::string& to,
                  bool force = false) {
        auto request = Request::make();
        request.set_sourceName(from);
        request.set_destinationName(to);
        request.set_force(force);
        host.call_task(references::file_manager, method, request);
    }
    void copy(const std::string& from, const std::string& to, bool force = false) {
        transfer<vim::CopyDatastoreFile_TaskRequest>("CopyDatastoreFile_Task", from, to, force);
    }
    void move(const std::string& from, const std::string& to, bool force = false) {
        transfer<vim::MoveDatastoreFile_TaskRequest>("MoveDatastoreFile_Task", from, to, force);
    }
    void remove(const std::string& name) {
        auto request = vim::DeleteDatastoreFile_TaskRequest::make();
        request.set_name(name);
        host.call_task(references::file_manager, "DeleteDatastoreFile_Task", request);
    }

    Value create_disk(const std::string& name, std::int64_t capacity_kb = 1024,
                      std::string_view type = "thin", std::string_view adapter = "lsiLogic") {
        auto spec = vim::FileBackedVirtualDiskSpec::make();
        spec.set_capacityKb(capacity_kb);
        spec.set_diskType(type);
        spec.set_adapterType(adapter);
        auto request = vim::CreateVirtualDisk_TaskRequest::make();
        request.set_name(name);
        request.set_spec(spec);
        return host.call_task(references::virtual_disk_manager, "CreateVirtualDisk_Task", request);
    }
    void copy_disk(const std::string& from, const std::string& to, bool force = false,
                   std::string_view type = {}) {
        auto request = vim::CopyVirtualDisk_TaskRequest::make();
        request.set_sourceName(from);
        request.set_destName(to);
        request.set_force(force);
        if (!type.empty()) {
            auto spec = vim::VirtualDiskSpec::make();
            spec.set_diskType(type);
            spec.set_adapterType("ide");
            request.set_destSpec(spec);
        }
        host.call_task(references::virtual_disk_manager, "CopyVirtualDisk_Task", request);
    }
    void move_disk(const std::string& from, const std::string& to, bool force = false) {
        auto request = vim::MoveVirtualDisk_TaskRequest::make();
        request.set_sourceName(from);
        request.set_destName(to);
        request.set_force(force);
        host.call_task(references::virtual_disk_manager, "MoveVirtualDisk_Task", request);
    }
    void delete_disk(const std::string& name) {
        auto request = vim::DeleteVirtualDisk_TaskRequest::make();
        request.set_name(name);
        host.call_task(references::virtual_disk_manager, "DeleteVirtualDisk_Task", request);
    }
    storage::DiskDescription describe(const std::string& name) {
        const auto path = storage::DatastorePath::parse(name).value();
        return host.files(path.datastore()).volumes().describe_disk(path);
    }

    TestHost host;
};

// Browser

TEST_F(Files, SearchListsNamesInOrder) {
    host.write("one/vm/b.iso", "b");
    host.write("one/vm/a.log", "a");
    host.write("one/vm/sub/c", "c");
    const auto results = search("[one] vm");
    EXPECT_EQ(results.folderPath(), "[one] vm/");
    EXPECT_EQ(results.datastore(), host.entry().ref);
    EXPECT_EQ(paths(results), (std::vector<std::string>{"a.log", "b.iso", "sub"}));
    EXPECT_EQ(results.file()[0].raw().type(), TypeId::FileInfo);
    EXPECT_FALSE(results.file()[0].fileSize());
    EXPECT_EQ(search("[one]").folderPath(), "[one]");
}

TEST_F(Files, SearchTellsTypesSizesAndTimes) {
    host.write("one/vm/b.iso", "four");
    host.write("one/vm/vm.vmx", "virtualHW.version = \"17\"\n");
    std::filesystem::create_directories(host.config.datastores[0].path / "vm/sub");
    auto details = vim::FileQueryFlags::make();
    details.set_fileType(true);
    details.set_fileSize(true);
    details.set_modification(true);
    details.set_fileOwner(false);
    auto spec = vim::HostDatastoreBrowserSearchSpec::make();
    spec.set_details(details);
    spec.set_sortFoldersFirst(true);
    const auto results = search("[one] vm/", spec);
    ASSERT_EQ(paths(results), (std::vector<std::string>{"sub", "b.iso", "vm.vmx"}));
    EXPECT_EQ(results.file()[0].raw().type(), TypeId::FolderFileInfo);
    EXPECT_EQ(results.file()[1].raw().type(), TypeId::IsoImageFileInfo);
    EXPECT_EQ(results.file()[1].fileSize(), 4);
    EXPECT_TRUE(results.file()[1].modification());
    EXPECT_EQ(results.file()[2].raw().type(), TypeId::VmConfigFileInfo);
}

TEST_F(Files, SearchDescribesDisksAndHidesTheirData) {
    create_disk("[one] small.vmdk", 2048, "thin", "ide");
    create_disk("[one] thick.vmdk", 1024, "preallocated", "busLogic");
    host.write("one/notes.txt", "x");
    auto flags = vim::VmDiskFileQueryFlags::make();
    flags.set_diskType(true);
    flags.set_capacityKb(true);
    flags.set_hardwareVersion(true);
    flags.set_controllerType(true);
    flags.set_diskExtents(true);
    flags.set_thin(true);
    auto query = vim::VmDiskFileQuery::make();
    query.set_details(flags);
    auto spec = vim::HostDatastoreBrowserSearchSpec::make();
    spec.set_query({query});
    auto results = search("[one]", spec);
    ASSERT_EQ(paths(results), (std::vector<std::string>{"small.vmdk", "thick.vmdk"}));
    const auto disk = results.file()[0].as<vim::VmDiskFileInfo>();
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk.capacityKb(), 2048);
    EXPECT_EQ(disk.controllerType(), "VirtualIDEController");
    EXPECT_EQ(disk.diskType(), "VirtualDiskFlatVer2BackingInfo");
    EXPECT_EQ(disk.thin(), true);
    EXPECT_EQ(disk.hardwareVersion(), 7);
    ASSERT_EQ(disk.diskExtents().size(), 1u);
    EXPECT_EQ(disk.diskExtents()[0], "[one] small-flat.raw");

    auto filter = vim::VmDiskFileQueryFilter::make();
    filter.set_thin(false);
    query.set_filter(filter);
    spec.set_query({query});
    EXPECT_EQ(paths(search("[one]", spec)), (std::vector<std::string>{"thick.vmdk"}));

    auto all = vim::HostDatastoreBrowserSearchSpec::make();
    EXPECT_EQ(paths(search("[one]", all)),
              (std::vector<std::string>{"notes.txt", "small.vmdk", "thick.vmdk"}));
    all.set_matchPattern({"*-flat.raw"});
    EXPECT_EQ(paths(search("[one]", all)),
              (std::vector<std::string>{"small-flat.raw", "thick-flat.raw"}));
}

TEST_F(Files, SearchBelowGivesOneResultForEachFolder) {
    host.write("one/a/x.iso", "");
    host.write("one/a/b/y.iso", "");
    host.write("one/a/b/z.txt", "");
    auto spec = vim::HostDatastoreBrowserSearchSpec::make();
    spec.set_matchPattern({"*.ISO"});
    spec.set_searchCaseInsensitive(true);
    auto request = vim::SearchDatastoreSubFolders_TaskRequest::make();
    request.set_datastorePath("[one] a");
    request.set_searchSpec(spec);
    const Value found =
        host.call_task(host.entry().browser, "SearchDatastoreSubFolders_Task", request);
    ASSERT_EQ(found.elements().size(), 2u);
    const vim::HostDatastoreBrowserSearchResults below(found.elements()[1]);
    EXPECT_EQ(below.folderPath(), "[one] a/b/");
    EXPECT_EQ(paths(below), (std::vector<std::string>{"y.iso"}));
}

TEST_F(Files, SearchRefusesWhatIsNotThere) {
    EXPECT_EQ(fault_type([&] { search("[one] missing"); }), TypeId::FileNotFound);
    EXPECT_EQ(fault_type([&] { search("[none] x"); }), TypeId::InvalidDatastorePath);
    EXPECT_EQ(fault_type([&] { search("one"); }), TypeId::InvalidDatastorePath);
    EXPECT_EQ(fault_type([&] { search("[one] ../two"); }), TypeId::InvalidDatastorePath);
    EXPECT_EQ(fault_type([&] { search("[one] .drover"); }), TypeId::InvalidDatastorePath);
    auto request = vim::SearchDatastore_TaskRequest::make();
    request.set_datastorePath("[two]");
    EXPECT_EQ(
        fault_type([&] { host.call(host.entry("one").browser, "SearchDatastore_Task", request); }),
        TypeId::InvalidDatastorePath);
    host.refused_privileges = {"Datastore.Browse"};
    EXPECT_EQ(fault_type([&] { search("[one]"); }), TypeId::NoPermission);
}

TEST_F(Files, DeleteFileTakesADiskWithItsData) {
    create_disk("[one] d.vmdk");
    auto request = vim::DeleteFileRequest::make();
    request.set_datastorePath("[one] d.vmdk");
    host.call(host.entry().browser, "DeleteFile", request);
    EXPECT_TRUE(host.names("one").empty());
    host.write("one/broken.vmdk", "no descriptor");
    request.set_datastorePath("[one] broken.vmdk");
    host.call(host.entry().browser, "DeleteFile", request);
    EXPECT_TRUE(host.names("one").empty());
}

// FileManager

TEST_F(Files, MakeDirectory) {
    make_directory("[one] a");
    EXPECT_EQ(fault_type([&] { make_directory("[one] a"); }), TypeId::FileAlreadyExists);
    EXPECT_EQ(fault_type([&] { make_directory("[one] b/c"); }), TypeId::FileNotFound);
    make_directory("[one] b/c", true);
    EXPECT_TRUE(host.exists("one/b/c"));
    EXPECT_EQ(fault_type([&] { make_directory("[one]"); }), TypeId::InvalidDatastorePath);
    make_directory("ds:///vmfs/volumes/" + host.entry("two").ref.id + "/d");
    make_directory("https://host/folder/d%20e?dcPath=ha-datacenter&dsName=two");
    EXPECT_EQ(host.names("two"), (std::set<std::string>{"d", "d e"}));
    host.refused_privileges = {"Datastore.FileManagement"};
    EXPECT_EQ(fault_type([&] { make_directory("[one] x"); }), TypeId::NoPermission);
}

TEST_F(Files, CopyFilesAndDirectories) {
    host.write("one/a/x", "1");
    host.write("one/a/s/y", "22");
    copy("[one] a", "[one] b");
    EXPECT_EQ(host.read("one/b/s/y"), "22");
    EXPECT_EQ(fault_type([&] { copy("[one] a/x", "[one] b/x"); }), TypeId::FileAlreadyExists);
    host.write("one/a/x", "new");
    EXPECT_EQ(fault_type([&] { copy("[one] a", "[one] b"); }), TypeId::FileAlreadyExists);
    copy("[one] a", "[one] b", true);
    EXPECT_EQ(host.read("one/b/x"), "new");
    copy("[one] a", "[two] far");
    EXPECT_EQ(host.read("two/far/s/y"), "22");
    EXPECT_EQ(fault_type([&] { copy("[one] a", "[one] a/in"); }), TypeId::InvalidDatastorePath);
    EXPECT_EQ(fault_type([&] { copy("[one] nothing", "[one] c"); }), TypeId::FileNotFound);
    EXPECT_EQ(host.names("one/a"), (std::set<std::string>{"s", "x"}));
}

TEST_F(Files, MoveFilesAndDirectories) {
    host.write("one/a/x", "1");
    host.write("one/a/s/y", "22");
    move("[one] a/x", "[one] a/z");
    EXPECT_EQ(host.names("one/a"), (std::set<std::string>{"s", "z"}));
    host.write("one/b/s/w", "3");
    move("[one] a", "[one] b");  // into what is there
    EXPECT_FALSE(host.exists("one/a"));
    EXPECT_EQ(host.names("one/b/s"), (std::set<std::string>{"w", "y"}));
    move("[one] b", "[two] b");
    EXPECT_FALSE(host.exists("one/b"));
    EXPECT_EQ(host.read("two/b/s/y"), "22");
    host.write("two/q", "old");
    EXPECT_EQ(fault_type([&] { move("[two] b/z", "[two] q"); }), TypeId::FileAlreadyExists);
    move("[two] b/z", "[two] q", true);
    EXPECT_EQ(host.read("two/q"), "1");
}

TEST_F(Files, HolesStayHolesBetweenDatastores) {
    host.write("one/sparse", std::string("head"));
    std::filesystem::resize_file(host.config.datastores[0].path / "sparse", 8 << 20);
    copy("[one] sparse", "[two] sparse");
    const auto info =
        host.files("two").blobs().stat(storage::DatastorePath::parse("[two] sparse").value());
    EXPECT_EQ(info.size_bytes, 8u << 20);
    EXPECT_LT(info.allocated_bytes, 1u << 20);
    EXPECT_EQ(host.read("two/sparse").substr(0, 5), std::string("head\0", 5));
}

TEST_F(Files, DeleteTakesDirectoriesWithAllInThem) {
    host.write("one/a/s/y", "22");
    remove("[one] a");
    EXPECT_FALSE(host.exists("one/a"));
    EXPECT_EQ(fault_type([&] { remove("[one] a"); }), TypeId::FileNotFound);
    EXPECT_EQ(fault_type([&] { remove("[one]"); }), TypeId::InvalidDatastorePath);
    create_disk("[one] d.vmdk");
    remove("[one] d.vmdk");
    EXPECT_EQ(host.names("one"), std::set<std::string>{"d-flat.raw"});
}

TEST_F(Files, FilesOfRunningMachinesStay) {
    host.write("one/vm/vm.vmx", "");
    host.write("one/vm/vm.nvram", "");
    host.write("one/vm/other.txt", "");
    const auto machine = host.add_machine("[one] vm/vm.vmx", true);
    EXPECT_EQ(fault_type([&] { remove("[one] vm/vm.nvram"); }), TypeId::FileLocked);
    EXPECT_EQ(fault_type([&] { remove("[one] vm"); }), TypeId::FileLocked);
    EXPECT_EQ(fault_type([&] { move("[one] vm", "[one] wm"); }), TypeId::FileLocked);
    remove("[one] vm/other.txt");
    machine->domain.reset();
    remove("[one] vm");
    EXPECT_FALSE(host.exists("one/vm"));
}

TEST_F(Files, FilesOfMachinesOnOtherHostsStay) {
    host.write("one/vm/vm.vmx", "");
    host.write("one/vm/disk.txt", "");
    const auto cell = storage::DatastorePath::parse("[one] vm/vm.lease").value();
    storage::VmLease lease(host.files().compare_and_swap(), host.clock, cell);
    ASSERT_TRUE(lease.acquire(0, {"other-host", "beta"}).won);
    EXPECT_EQ(fault_type([&] { remove("[one] vm"); }), TypeId::FileLocked);
    EXPECT_EQ(fault_type([&] { remove("[one] vm/vm.vmx"); }), TypeId::FileLocked);
    remove("[one] vm/disk.txt");
    ASSERT_TRUE(lease.release(1, {"other-host", "beta"}).won);
    remove("[one] vm");
    EXPECT_FALSE(host.exists("one/vm"));
}

TEST_F(Files, CancelledCopyLeavesNothing) {
    host.write("one/big", std::string(64 << 20, 'x'));
    auto request = vim::CopyDatastoreFile_TaskRequest::make();
    request.set_sourceName("[one] big");
    request.set_destinationName("[two] big");
    const vim::MoRef task =
        host.call(references::file_manager, "CopyDatastoreFile_Task", request).as_moref();
    host.tasks.cancel(task);
    const vim::TaskInfo info = host.wait(task);
    ASSERT_EQ(info.state(), vim::TaskInfoState::error);
    EXPECT_EQ(info.error().fault().raw().type(), TypeId::RequestCanceled);
    EXPECT_TRUE(host.names("two").empty());
}

// VirtualDiskManager

TEST_F(Files, CreateDisks) {
    EXPECT_EQ(create_disk("[one] a.vmdk", 4096, "eagerZeroedThick", "ide").as_string(),
              "[one] a.vmdk");
    const auto disk = describe("[one] a.vmdk");
    EXPECT_EQ(disk.capacity_bytes, 4096u * 1024);
    EXPECT_EQ(disk.provisioning, storage::Provisioning::thick_eager);
    EXPECT_EQ(disk.adapter_type, "ide");
    EXPECT_EQ(fault_type([&] { create_disk("[one] a.vmdk"); }), TypeId::FileAlreadyExists);
    EXPECT_EQ(fault_type([&] { create_disk("[one] b.vmdk", 0); }), TypeId::InvalidArgument);
    EXPECT_EQ(fault_type([&] { create_disk("[one] b.vmdk", INT64_MAX); }), TypeId::InvalidArgument);
    EXPECT_EQ(fault_type([&] { create_disk("[one] b.vmdk", 1024, "rdm"); }),
              TypeId::InvalidArgument);
    EXPECT_EQ(fault_type([&] { create_disk("[one] b.vmdk", 1024, "thin", "floppy"); }),
              TypeId::InvalidArgument);
    EXPECT_EQ(fault_type([&] { create_disk("[one] b.img"); }), TypeId::InvalidDatastorePath);
}

TEST_F(Files, CopyDisks) {
    create_disk("[one] a.vmdk", 4096);
    {
        std::fstream data(host.config.datastores[0].path / "a-flat.raw");
        data << "content";
    }
    copy_disk("[one] a.vmdk", "[one] b.vmdk");
    EXPECT_EQ(describe("[one] b.vmdk").provisioning, storage::Provisioning::thin);
    EXPECT_EQ(host.read("one/b-flat.raw").substr(0, 7), "content");
    EXPECT_NE(describe("[one] b.vmdk").uuid, describe("[one] a.vmdk").uuid);
    EXPECT_EQ(fault_type([&] { copy_disk("[one] a.vmdk", "[one] b.vmdk"); }),
              TypeId::FileAlreadyExists);
    copy_disk("[one] a.vmdk", "[one] b.vmdk", true, "thick");
    EXPECT_EQ(describe("[one] b.vmdk").provisioning, storage::Provisioning::thick_lazy);
    EXPECT_EQ(describe("[one] b.vmdk").adapter_type, "ide");
    copy_disk("[one] a.vmdk", "[two] c.vmdk", false, "preallocated");
    EXPECT_EQ(describe("[two] c.vmdk").provisioning, storage::Provisioning::thick_lazy);
    EXPECT_GE(describe("[two] c.vmdk").allocated_bytes, 4096u * 1024);
    EXPECT_EQ(host.read("two/c-flat.raw").substr(0, 7), "content");
    EXPECT_EQ(host.names("one"),
              (std::set<std::string>{"a-flat.raw", "a.vmdk", "b-flat.raw", "b.vmdk"}));
}

TEST_F(Files, MoveAndDeleteDisks) {
    create_disk("[one] a.vmdk");
    make_directory("[one] d");
    move_disk("[one] a.vmdk", "[one] d/b.vmdk");
    EXPECT_EQ(host.names("one"), std::set<std::string>{"d"});
    move_disk("[one] d/b.vmdk", "[two] c.vmdk");
    EXPECT_TRUE(host.names("one/d").empty());
    create_disk("[two] e.vmdk", 2048);
    EXPECT_EQ(fault_type([&] { move_disk("[two] e.vmdk", "[two] c.vmdk"); }),
              TypeId::FileAlreadyExists);
    move_disk("[two] e.vmdk", "[two] c.vmdk", true);
    EXPECT_EQ(host.names("two"), (std::set<std::string>{"c-flat.raw", "c.vmdk"}));
    EXPECT_EQ(describe("[two] c.vmdk").capacity_bytes, 2048u * 1024);
    delete_disk("[two] c.vmdk");
    EXPECT_TRUE(host.names("two").empty());
    EXPECT_EQ(fault_type([&] { delete_disk("[two] c.vmdk"); }), TypeId::FileNotFound);
}

TEST_F(Files, ExtendDisk) {
    create_disk("[one] a.vmdk", 1024);
    auto request = vim::ExtendVirtualDisk_TaskRequest::make();
    request.set_name("[one] a.vmdk");
    request.set_newCapacityKb(8192);
    host.call_task(references::virtual_disk_manager, "ExtendVirtualDisk_Task", request);
    EXPECT_EQ(describe("[one] a.vmdk").capacity_bytes, 8192u * 1024);
    request.set_newCapacityKb(4096);
    EXPECT_EQ(fault_type([&] {
                  host.call_task(references::virtual_disk_manager, "ExtendVirtualDisk_Task",
                                 request);
              }),
              TypeId::InvalidArgument);
}

TEST_F(Files, DiskUuidAndGeometry) {
    create_disk("[one] a.vmdk", 1 << 20);
    auto query = vim::QueryVirtualDiskUuidRequest::make();
    query.set_name("[one] a.vmdk");
    const auto& manager = references::virtual_disk_manager;
    EXPECT_EQ(host.call(manager, "QueryVirtualDiskUuid", query).as_string().substr(0, 8),
              "60 00 c2");
    auto set = vim::SetVirtualDiskUuidRequest::make();
    set.set_name("[one] a.vmdk");
    set.set_uuid("6000c29a-1122-3344-5566-778899aabbcc");
    host.call(manager, "SetVirtualDiskUuid", set);
    EXPECT_EQ(host.call(manager, "QueryVirtualDiskUuid", query).as_string(),
              "60 00 c2 9a 11 22 33 44-55 66 77 88 99 aa bb cc");
    set.set_uuid("nonsense");
    EXPECT_EQ(fault_type([&] { host.call(manager, "SetVirtualDiskUuid", set); }),
              TypeId::InvalidArgument);
    auto shape = vim::QueryVirtualDiskGeometryRequest::make();
    shape.set_name("[one] a.vmdk");
    const vim::HostDiskDimensionsChs chs(host.call(manager, "QueryVirtualDiskGeometry", shape));
    EXPECT_GT(chs.cylinder() * chs.head() * chs.sector(), (1 << 21) - chs.head() * chs.sector());
    EXPECT_LE(chs.cylinder() * chs.head() * chs.sector(), 1 << 21);
}

TEST_F(Files, DisksInUseStay) {
    create_disk("[one] base.vmdk");
    create_disk("[one] top.vmdk");
    const auto machine = host.add_machine("[one] vm/vm.vmx", true);
    machine::DiskFacts top;
    top.parent = "[one] base.vmdk";
    top.extent_file = "[one] top-flat.raw";
    machine->disks["[one] top.vmdk"] = top;
    machine->disks["[one] base.vmdk"] = {};
    EXPECT_EQ(fault_type([&] { delete_disk("[one] top.vmdk"); }), TypeId::FileLocked);
    EXPECT_EQ(fault_type([&] { copy_disk("[one] top.vmdk", "[one] x.vmdk"); }), TypeId::FileLocked);
    copy_disk("[one] base.vmdk", "[one] y.vmdk");
    machine->domain.reset();
    EXPECT_EQ(fault_type([&] { delete_disk("[one] base.vmdk"); }), TypeId::FileLocked);
    delete_disk("[one] top.vmdk");
    EXPECT_FALSE(host.exists("one/top-flat.raw"));
}

}  // namespace
}  // namespace drover::host::files

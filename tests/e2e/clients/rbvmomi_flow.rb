#!/usr/bin/ruby
# A day with RbVmomi: ADDRESS USER PASSWORD. Says what it did; the first thing that is not as it
# must be ends it.

require 'rbvmomi'
require 'securerandom'
require 'tmpdir'

# RbVmomi 1.8 still uses what Ruby 3 no longer has.
unless URI.respond_to?(:escape)
  URI.define_singleton_method(:escape) { |text| URI::DEFAULT_PARSER.escape(text) }
end

NAME = "rb-#{SecureRandom.hex(3)}"
VIM = RbVmomi::VIM

def check(what, good)
  abort "wrong: #{what}" unless good
  puts "right: #{what}"
end

def expect_fault(what, type)
  yield
  abort "no fault: #{what}"
rescue RbVmomi::Fault => e
  check "#{what} answers #{type}", e.fault.class.wsdl_name == type
end

def specification
  disk = VIM.VirtualDiskFlatVer2BackingInfo(fileName: '[shared]', diskMode: :persistent,
                                            thinProvisioned: true)
  nic = VIM.VirtualEthernetCardNetworkBackingInfo(deviceName: 'VM Network')
  {
    name: NAME, guestId: 'otherGuest', files: { vmPathName: '[shared]' }, numCPUs: 1, memoryMB: 64,
    deviceChange: [
      { operation: :add,
        device: VIM.VirtualLsiLogicController(key: 1000, busNumber: 0, sharedBus: :noSharing) },
      { operation: :add, fileOperation: :create,
        device: VIM.VirtualDisk(key: 0, backing: disk, controllerKey: 1000, unitNumber: 0,
                                capacityInKB: 16_384) },
      { operation: :add,
        device: VIM.VirtualE1000(key: 0, backing: nic, addressType: 'generated',
                                 deviceInfo: { label: 'NIC 1', summary: 'VM Network' }) }
    ],
    extraConfig: [{ key: 'bios.bootOrder', value: 'ethernet0' }]
  }
end

def inventory(vim)
  datacenter = vim.serviceInstance.find_datacenter
  check 'the datacenter by name and by default',
        datacenter == vim.serviceInstance.find_datacenter('ha-datacenter')
  check 'the compute resource by name',
        datacenter.find_compute_resource('host1') == datacenter.hostFolder.children.first
  check 'the datastore', datacenter.find_datastore('shared').summary.accessible
  demo = datacenter.find_vm('demo')
  found = vim.searchIndex.FindByUuid(uuid: demo.config.uuid, vmSearch: true)
  check 'a machine by UUID', found == demo
  compute = datacenter.hostFolder.children.first
  check 'figures of the compute resource', compute.stats[:totalMem] > 512
  flat = datacenter.vmFolder.inventory_flat('VirtualMachine' => ['name'])
  check 'the folder at once', flat.any? { |object, _| object == demo }
  datacenter
end

def life(vim, machine)
  check 'power on', machine.PowerOnVM_Task.wait_for_completion.nil?
  check 'properties of one machine',
        machine.collect('runtime.powerState', 'config.hardware.numCPU') == ['poweredOn', 1]
  expect_fault('power on again', 'InvalidPowerState') { machine.PowerOnVM_Task.wait_for_completion }
  machine.ReconfigVM_Task(spec: { annotation: 'by Ruby' }).wait_for_completion
  check 'notes of a running machine', machine.config.annotation == 'by Ruby'
  steps = []
  machine.ResetVM_Task.wait_for_progress { |step| steps << step }
  check 'progress of a task', steps.last.nil? || steps.last.between?(0, 100)
  machine.PowerOffVM_Task.wait_for_completion
  machine.wait_until('runtime.powerState') { machine.runtime.powerState == 'poweredOff' }
  machine.ReconfigVM_Task(spec: { memoryMB: 96 }).wait_for_completion
  check 'memory', machine.config.hardware.memoryMB == 96
  check 'hardware addresses', machine.macs.values.all? { |mac| mac =~ /^(\h\h:){5}\h\h$/ }
  check 'disks', machine.disks.size == 1
  several = vim.propertyCollector.collectMultiple([machine, vim.rootFolder], 'name')
  check 'properties of several objects',
        several[machine] == { 'name' => NAME } && several.size == 2
  machine.Rename_Task(newName: "#{NAME}-2").wait_for_completion
  check 'another name', machine.name == "#{NAME}-2"
end

def files(datastore)
  Dir.mktmpdir do |directory|
    File.binwrite("#{directory}/up", bytes = SecureRandom.bytes(100_000))
    datastore.upload("#{NAME}/up.bin", "#{directory}/up")
    check 'the file is there', datastore.exists?("#{NAME}/up.bin")
    check 'no other is', !datastore.exists?("#{NAME}/other.bin")
    datastore.download("#{NAME}/up.bin", "#{directory}/down")
    check 'the file as it was', File.binread("#{directory}/down") == bytes
  end
end

def performance(vim, host)
  figures = vim.serviceContent.perfManager
  check 'names of counters', figures.perfcounter_hash.key?('cpu.usage')
  found = figures.retrieve_stats([host], ['cpu.usage'], max_samples: 1)
  check 'samples of the host', found.keys == [host]
end

address, user, password = ARGV
vim = VIM.connect(host: address, user: user, password: password, insecure: true)
check 'the release they agree on', vim.rev == '5.5'
datacenter = inventory(vim)
compute = datacenter.hostFolder.children.first
creation = datacenter.vmFolder.CreateVM_Task(config: specification, pool: compute.resourcePool)
machine = creation.wait_for_completion
begin
  check 'a machine made', datacenter.find_vm(NAME) == machine
  check 'its boot order', machine.config.bootOptions.bootOrder.size == 1
  life(vim, machine)
  files(datacenter.find_datastore('shared'))
  performance(vim, compute.host.first)
ensure
  machine.PowerOffVM_Task.wait_for_completion if machine.runtime.powerState == 'poweredOn'
  machine.Destroy_Task.wait_for_completion
end
expect_fault('a machine that is gone', 'ManagedObjectNotFound') { machine.name }
vim.serviceContent.sessionManager.Logout
expect_fault('after the logout', 'NotAuthenticated') { machine.name }
vim.close

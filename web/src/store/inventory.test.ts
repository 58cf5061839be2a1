import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ref } from '../api/client';
import { Inventory, naturalKey, nameOf } from './inventory';

const vm = ref('VirtualMachine', 'vm-1');
const host = ref('HostSystem', 'host-1');
const other = ref('HostSystem', 'host-2');

let frame: () => void;
beforeEach(() => {
  vi.stubGlobal('document', { hidden: false });
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => {
    frame = callback;
    return 1;
  });
});

describe('inventory', () => {
  it('follows a machine from host to host', () => {
    const inventory = new Inventory();
    inventory.apply(vm, [['name', 'web'], ['runtime.host', host]]);
    expect([...inventory.machinesOn('host-1')]).toEqual(['vm-1']);
    inventory.apply(vm, [['runtime.host', other]]);
    expect(inventory.machinesOn('host-1').size).toBe(0);
    expect([...inventory.machinesOn('host-2')]).toEqual(['vm-1']);
    inventory.remove(vm);
    expect(inventory.machinesOn('host-2').size).toBe(0);
    expect(inventory.get('vm-1')).toBeUndefined();
  });

  it('tells once a frame, and only who is concerned', () => {
    const inventory = new Inventory();
    inventory.apply(vm, [['name', 'web']]);
    inventory.apply(host, [['name', 'h']]);
    frame();
    const heard = vi.fn();
    const structure = vi.fn();
    inventory.subscribe('vm-1', heard);
    inventory.subscribeStructure(structure);
    const before = inventory.get('host-1');
    inventory.apply(vm, [['runtime.powerState', 'poweredOn']]);
    inventory.apply(vm, [['summary.quickStats.overallCpuUsage', 5]]);
    frame();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(structure).not.toHaveBeenCalled();
    expect(inventory.get('host-1')).toBe(before);
    inventory.apply(vm, [['name', 'db']]);
    frame();
    expect(structure).toHaveBeenCalledTimes(1);
  });

  it('forgets a property that is gone', () => {
    const inventory = new Inventory();
    inventory.apply(vm, [['name', 'web'], ['guest.ipAddress', '10.0.0.1']]);
    inventory.apply(vm, [['guest.ipAddress', undefined]]);
    expect('guest.ipAddress' in inventory.get('vm-1')!.props).toBe(false);
  });
});

describe('names', () => {
  it('are unescaped and ordered as people do', () => {
    const inventory = new Inventory();
    inventory.apply(vm, [['name', 'a%2fb %25']]);
    expect(nameOf(inventory.get('vm-1'))).toBe('a/b %');
    expect(naturalKey('web2') < naturalKey('web10')).toBe(true);
  });
});

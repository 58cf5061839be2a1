package main

import (
	"context"
	"sync"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

const callers = 16

// Toggles the power of machines through tasks while another session waits at a filter. Reports how
// long it took in all, and how long after the last task was accepted the filter had the last
// change.
func power(ctx context.Context, c *govmomi.Client, v *view.ContainerView) {
	var machines []mo.VirtualMachine
	check(v.Retrieve(ctx, []string{"VirtualMachine"}, []string{"runtime.powerState"}, &machines))
	if *changes < len(machines) {
		machines = machines[:*changes]
	}
	seen := make(chan time.Time, 1)
	ready := make(chan struct{})
	go watch(ctx, machines, seen, ready)
	<-ready

	began := time.Now()
	toggle(ctx, machines)
	asked := time.Now()
	last := <-seen
	report("power.changes", float64(len(machines)), "")
	report("power.asked", asked.Sub(began).Seconds(), "s")
	report("power", last.Sub(began).Seconds(), "s")
	report("power.after", last.Sub(asked).Seconds(), "s")
}

func toggle(ctx context.Context, machines []mo.VirtualMachine) {
	work := make(chan mo.VirtualMachine)
	var group sync.WaitGroup
	for i := 0; i < callers; i++ {
		c := connect(ctx)
		group.Add(1)
		go func() {
			defer group.Done()
			for vm := range work {
				var err error
				if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
					_, err = methods.PowerOffVM_Task(ctx, c.Client,
						&types.PowerOffVM_Task{This: vm.Self})
				} else {
					_, err = methods.PowerOnVM_Task(ctx, c.Client,
						&types.PowerOnVM_Task{This: vm.Self})
				}
				check(err)
			}
			check(c.SessionManager.Logout(ctx))
		}()
	}
	for _, vm := range machines {
		work <- vm
	}
	close(work)
	group.Wait()
}

func watch(ctx context.Context, machines []mo.VirtualMachine, seen chan<- time.Time,
	ready chan<- struct{}) {
	c := connect(ctx)
	v := machineView(ctx, c)
	before := map[types.ManagedObjectReference]types.VirtualMachinePowerState{}
	for _, vm := range machines {
		before[vm.Self] = vm.Runtime.PowerState
	}
	filter := new(property.WaitFilter)
	filter.Add(v.Reference(), "VirtualMachine", []string{"runtime.powerState"}, v.TraversalSpec())
	first := true
	check(property.WaitForUpdates(ctx, property.DefaultCollector(c.Client), filter,
		func(updates []types.ObjectUpdate) bool {
			for _, update := range updates {
				for _, change := range update.ChangeSet {
					state, ok := change.Val.(types.VirtualMachinePowerState)
					was, known := before[update.Obj]
					if ok && known && state != was {
						delete(before, update.Obj)
					}
				}
			}
			if first {
				first = false
				close(ready)
			}
			return len(before) == 0
		}))
	seen <- time.Now()
	check(c.SessionManager.Logout(ctx))
}

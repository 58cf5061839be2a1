package main

import (
	"context"
	"math"
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

// Of how many of the last tasks the time of their end is asked.
const lastTasks = 500

// Toggles the power of machines through tasks while another session waits at a filter. Reports how
// long it took in all, and how long the filter had the last change after the last task's end
// ("power.after"): what the server still has to do for tasks that it has accepted is not the
// filter's lateness, and is in "power.after_asked".
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
	tasks := toggle(ctx, machines)
	asked := time.Now()
	last := <-seen
	ended := lastEnd(ctx, c, tasks)
	report("power.changes", float64(len(machines)), "")
	report("power.asked", asked.Sub(began).Seconds(), "s")
	report("power", last.Sub(began).Seconds(), "s")
	report("power.after_asked", last.Sub(asked).Seconds(), "s")
	report("power.after", math.Max(last.Sub(ended).Seconds(), 0), "s")
}

// When the last of them ended, by the server's clock, which is this computer's as well.
func lastEnd(ctx context.Context, c *govmomi.Client, tasks []types.ManagedObjectReference) time.Time {
	if len(tasks) > lastTasks {
		tasks = tasks[len(tasks)-lastTasks:]
	}
	var end time.Time
	for {
		var infos []mo.Task
		check(property.DefaultCollector(c.Client).Retrieve(ctx, tasks, []string{"info"}, &infos))
		running := false
		for _, task := range infos {
			if task.Info.CompleteTime == nil {
				running = true
			} else if task.Info.CompleteTime.After(end) {
				end = *task.Info.CompleteTime
			}
		}
		if !running {
			return end
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Returns the tasks in the order in which they were accepted.
func toggle(ctx context.Context, machines []mo.VirtualMachine) []types.ManagedObjectReference {
	var tasks []types.ManagedObjectReference
	var mutex sync.Mutex
	work := make(chan mo.VirtualMachine)
	var group sync.WaitGroup
	for i := 0; i < callers; i++ {
		c := connect(ctx)
		group.Add(1)
		go func() {
			defer group.Done()
			for vm := range work {
				var task types.ManagedObjectReference
				if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
					off, err := methods.PowerOffVM_Task(ctx, c.Client,
						&types.PowerOffVM_Task{This: vm.Self})
					check(err)
					task = off.Returnval
				} else {
					on, err := methods.PowerOnVM_Task(ctx, c.Client,
						&types.PowerOnVM_Task{This: vm.Self})
					check(err)
					task = on.Returnval
				}
				mutex.Lock()
				tasks = append(tasks, task)
				mutex.Unlock()
			}
			check(c.SessionManager.Logout(ctx))
		}()
	}
	for _, vm := range machines {
		work <- vm
	}
	close(work)
	group.Wait()
	return tasks
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

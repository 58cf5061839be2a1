// A day with govmomi, the library under govc: govmomi_flow URL, with user and password in the URL.
// Each step has a name; every step runs, and the exit status says whether all went well.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
)

// flow is what the steps share.
type flow struct {
	ctx       context.Context
	client    *govmomi.Client
	finder    *find.Finder
	host      *object.HostSystem
	pool      *object.ResourcePool
	datastore *object.Datastore
	folders   *object.DatacenterFolders
	machine   *object.VirtualMachine
	name      string
}

type step struct {
	name string
	run  func(*flow) error
}

func main() {
	address, err := url.Parse(os.Args[1])
	if err != nil {
		fail(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	client, err := govmomi.NewClient(ctx, address, true)
	if err != nil {
		fail(err)
	}
	f := &flow{ctx: ctx, client: client, name: fmt.Sprintf("go-%d", os.Getpid())}
	var steps []step
	for _, some := range [][]step{inventorySteps, machineSteps, fileSteps, managerSteps, endSteps} {
		steps = append(steps, some...)
	}
	failed := 0
	for _, s := range steps {
		if err := attempt(s, f); err != nil {
			failed++
			fmt.Printf("wrong: %s: %s\n", s.name, err)
		} else {
			fmt.Printf("right: %s\n", s.name)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// attempt runs a step. The library itself panics where a server lacks what it takes for granted.
func attempt(s step, f *flow) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return s.run(f)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// check turns a false condition into an error with what was found.
func check(good bool, found ...interface{}) error {
	if good {
		return nil
	}
	return fmt.Errorf("found %v", found)
}

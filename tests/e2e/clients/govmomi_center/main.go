// govmomi, the library under govc, against a center: govmomi_center URL HOST...
// URL has user and password of the center; each HOST is a URL of a host that is in no inventory yet.
// Each step does what one or a few of govc's commands do and looks at what their tests look at.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// flow is what the steps share.
type flow struct {
	ctx        context.Context
	client     *govmomi.Client
	address    *url.URL
	hosts      []*url.URL
	finder     *find.Finder
	datacenter *object.Datacenter
	folders    *object.DatacenterFolders
	cluster    *object.ClusterComputeResource
	machine    *object.VirtualMachine
	name       string
}

type step struct {
	name string
	run  func(*flow) error
}

func main() {
	f := &flow{name: fmt.Sprintf("go-%d", os.Getpid())}
	var err error
	if f.address, err = url.Parse(os.Args[1]); err != nil {
		fail(err)
	}
	for _, argument := range os.Args[2:] {
		address, err := url.Parse(argument)
		if err != nil {
			fail(err)
		}
		f.hosts = append(f.hosts, address)
	}
	var cancel context.CancelFunc
	f.ctx, cancel = context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if f.client, err = govmomi.NewClient(f.ctx, f.address, true); err != nil {
		fail(err)
	}
	f.finder = find.NewFinder(f.client.Client, true)
	failed := 0
	for _, some := range [][]step{treeSteps, searchSteps, clusterSteps, poolSteps, machineSteps,
		deviceSteps, hostSteps, historySteps, managerSteps, fileSteps, endSteps} {
		for _, s := range some {
			begin := time.Now()
			if err := attempt(s, f); err != nil {
				failed++
				fmt.Printf("wrong: %s: %s\n", s.name, err)
			} else {
				fmt.Printf("right: %s (%d ms)\n", s.name, time.Since(begin).Milliseconds())
			}
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

// ended waits for a task as govc does and gives its error.
func ended(f *flow, t *object.Task, err error) error {
	if err != nil {
		return err
	}
	return t.Wait(f.ctx)
}

// faultName is the type's name of the fault in an error, of a call or a task, or the error itself.
func faultName(err error) string {
	var failed task.Error
	switch {
	case err == nil:
		return "success"
	case errors.As(err, &failed):
		return reflect.Indirect(reflect.ValueOf(failed.Fault())).Type().Name()
	case soap.IsSoapFault(err):
		return reflect.Indirect(reflect.ValueOf(soap.ToSoapFault(err).VimFault())).Type().Name()
	}
	return err.Error()
}

// expect: one of these faults, and a message for people in it.
func expect(err error, names ...string) error {
	got := faultName(err)
	for _, name := range names {
		if got == name {
			if err == nil {
				return nil
			}
			message := err.Error()
			if strings.TrimPrefix(message, "ServerFaultCode: ") == "" {
				return fmt.Errorf("%s has no message", got)
			}
			return nil
		}
	}
	return fmt.Errorf("%s (%v), not %s", got, err, strings.Join(names, " or "))
}

// first gives the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// collect reads properties of one object into a mo type.
func collect(f *flow, ref types.ManagedObjectReference, paths []string, into interface{}) error {
	return property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, ref, paths, into)
}

// until waits for what comes by itself.
func until(f *flow, what string, condition func() (bool, error)) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		good, err := condition()
		if err != nil || good {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not come true", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

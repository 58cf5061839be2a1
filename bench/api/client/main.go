// A client that measures a vSphere endpoint, whichever it is: one line of JSON for each figure.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	address = flag.String("url", "", "https://user:password@host:port/sdk")
	repeat  = flag.Int("repeat", 3, "how often each retrieval is made")
	seconds = flag.Float64("seconds", 2, "how long each rate is measured")
	only    = flag.String("only", "", "names of figures, with commas; empty: all but power")
	server  = flag.Int("server", 0, "process id of the server: report its processor time as well")
	changes = flag.Int("changes", 10000, "power-state changes of the figure 'power'")
)

func report(name string, value float64, unit string) {
	line, _ := json.Marshal(map[string]interface{}{"name": name, "value": value, "unit": unit})
	fmt.Println(string(line))
}

func wanted(name string) bool {
	if *only == "" {
		return name != "power"
	}
	for _, each := range strings.Split(*only, ",") {
		if each == name {
			return true
		}
	}
	return false
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A connection of its own, logged in.
func connect(ctx context.Context) *govmomi.Client {
	u, err := soap.ParseURL(*address)
	check(err)
	user := u.User
	u.User = nil
	client, err := vim25.NewClient(ctx, soap.NewClient(u, true))
	check(err)
	c := &govmomi.Client{Client: client, SessionManager: session.NewManager(client)}
	check(c.SessionManager.Login(ctx, user))
	return c
}

func machineView(ctx context.Context, c *govmomi.Client) *view.ContainerView {
	v, err := view.NewManager(c.Client).CreateContainerView(
		ctx, c.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	check(err)
	return v
}

func retrieval(ctx context.Context, c *govmomi.Client, v *view.ContainerView, name string,
	paths []string) {
	if !wanted(name) {
		return
	}
	var times []float64
	for i := 0; i < *repeat; i++ {
		began := time.Now()
		var all []mo.VirtualMachine
		check(v.Retrieve(ctx, []string{"VirtualMachine"}, paths, &all))
		times = append(times, time.Since(began).Seconds())
		if i == 0 {
			report(name+".objects", float64(len(all)), "")
		}
	}
	sort.Float64s(times)
	report(name, times[len(times)/2], "s")
	raw(ctx, c, v, name, paths)
}

// The same without making Go values of the answer: what the server takes.
func raw(ctx context.Context, c *govmomi.Client, v *view.ContainerView, name string,
	paths []string) {
	var times []float64
	for i := 0; i < *repeat; i++ {
		began := time.Now()
		bytes := rawRetrieve(c, v.Reference(), paths)
		times = append(times, time.Since(began).Seconds())
		if i == 0 {
			report(name+".bytes", float64(bytes), "")
		}
	}
	sort.Float64s(times)
	report(name+".server", times[len(times)/2], "s")
}

// Requests a second over so many connections, each in a session of its own.
func rate(ctx context.Context, name string, connections int,
	request func(context.Context, *govmomi.Client) error) {
	if !wanted(name) {
		return
	}
	clients := make([]*govmomi.Client, connections)
	for i := range clients {
		clients[i] = connect(ctx)
		check(request(ctx, clients[i]))
	}
	var count int64
	var group sync.WaitGroup
	began := time.Now()
	deadline := began.Add(time.Duration(*seconds * float64(time.Second)))
	for _, each := range clients {
		group.Add(1)
		go func(c *govmomi.Client) {
			defer group.Done()
			for time.Now().Before(deadline) {
				check(request(ctx, c))
				atomic.AddInt64(&count, 1)
			}
		}(each)
	}
	group.Wait()
	report(name, float64(count)/time.Since(began).Seconds(), "1/s")
	for _, each := range clients {
		_ = each.SessionManager.Logout(ctx)
	}
}

func main() {
	flag.Parse()
	if _, err := url.Parse(*address); err != nil || *address == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx := context.Background()
	c := connect(ctx)
	v := machineView(ctx, c)
	retrieval(ctx, c, v, "name", []string{"name"})
	retrieval(ctx, c, v, "summary", []string{"name", "runtime.powerState", "summary"})
	retrieval(ctx, c, v, "device", []string{"config.hardware.device"})

	var machines []mo.VirtualMachine
	check(v.Retrieve(ctx, []string{"VirtualMachine"}, []string{"name"}, &machines))
	one := machines[len(machines)/2].Self
	now := func(ctx context.Context, c *govmomi.Client) error {
		_, err := methods.GetCurrentTime(ctx, c.Client)
		return err
	}
	single := func(ctx context.Context, c *govmomi.Client) error {
		var vm mo.VirtualMachine
		return property.DefaultCollector(c.Client).RetrieveOne(
			ctx, one, []string{"name", "runtime.powerState", "summary"}, &vm)
	}
	rate(ctx, "time1", 1, now)
	rate(ctx, "time16", 16, now)
	rate(ctx, "one1", 1, single)
	rate(ctx, "one16", 16, single)
	for _, connections := range []int{1, 16} {
		wire(c, fmt.Sprintf("time%d.wire", connections), connections, timeBody)
		wire(c, fmt.Sprintf("one%d.wire", connections), connections, oneBody(c, one))
	}
	if wanted("power") {
		power(ctx, c, v)
	}
	var reference types.ManagedObjectReference = v.Reference()
	_, err := methods.DestroyView(ctx, c.Client, &types.DestroyView{This: reference})
	check(err)
	check(c.SessionManager.Logout(ctx))
}

// vcsim: govmomi's simulator of the API as a server, so that drover can be compared with it.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	listen := flag.String("l", "127.0.0.1:8990", "where to listen")
	machines := flag.Int("vm", 10000, "number of machines, half of them in each of two places")
	flag.Parse()

	began := time.Now()
	// As many machines on one host as in the other server; VPX would have hundreds of hosts.
	model := simulator.ESX()
	model.Machine = *machines
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()
	model.Service.TLS = new(tls.Config)
	model.Service.Listen = &url.URL{Host: *listen, User: url.UserPassword("root", "bench")}
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Printf("ready after %.2f s at %s\n", time.Since(began).Seconds(), server.URL.Host)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

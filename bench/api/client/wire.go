package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi"
)

// Requests a second over so many TLS connections, with prepared requests and answers that are read
// but not looked at: a client that takes so little that the server is what is measured, even where
// both share a small computer.

func prepared(c *govmomi.Client, body string) []byte {
	u := c.URL()
	text := fmt.Sprintf(envelope, body)
	var cookies []string
	for _, each := range c.Client.Client.Client.Jar.Cookies(u) {
		cookies = append(cookies, each.String())
	}
	return []byte(fmt.Sprintf("POST /sdk HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n"+
		"Content-Type: text/xml; charset=utf-8\r\nSOAPAction: urn:vim25/6.7\r\n"+
		"Content-Length: %d\r\n\r\n%s", u.Host, strings.Join(cookies, "; "), len(text), text))
}

// Processor seconds that the server has used; zero if it is not told which process it is.
func serverTime() float64 {
	if *server == 0 {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *server))
	check(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	check(err)
	system, err := strconv.Atoi(fields[12])
	check(err)
	return float64(user+system) / 100
}

func wire(c *govmomi.Client, name string, connections int, body string) {
	if !wanted(name) {
		return
	}
	request := prepared(c, body)
	var count int64
	var group sync.WaitGroup
	start := make(chan struct{})
	deadline := time.Now()
	for i := 0; i < connections; i++ {
		conn, err := tls.Dial("tcp", c.URL().Host, &tls.Config{InsecureSkipVerify: true})
		check(err)
		reader := bufio.NewReaderSize(conn, 32*1024)
		check(once(conn, reader, request))
		group.Add(1)
		go func() {
			defer group.Done()
			defer conn.Close()
			<-start
			for time.Now().Before(deadline) {
				check(once(conn, reader, request))
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	used := serverTime()
	began := time.Now()
	deadline = began.Add(time.Duration(*seconds * float64(time.Second)))
	close(start)
	group.Wait()
	report(name, float64(count)/time.Since(began).Seconds(), "1/s")
	if *server != 0 {
		report(name+".cpu", (serverTime()-used)/float64(count)*1e6, "us")
	}
}

func once(conn io.Writer, reader *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return err
}

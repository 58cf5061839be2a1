package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/vim25/types"
)

// Requests whose answers are read but not parsed, so that the server is what is measured.

const envelope = `<?xml version="1.0" encoding="UTF-8"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>%s</Body></Envelope>`

func post(c *govmomi.Client, body string) (int64, error) {
	request, err := http.NewRequest("POST", c.URL().String(),
		strings.NewReader(fmt.Sprintf(envelope, body)))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("SOAPAction", "urn:vim25/6.7")
	// The library's own client carries the cookie.
	response, err := c.Client.Client.Client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	bytes, err := io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return bytes, err
}

func pathSet(paths []string) string {
	return "<pathSet>" + strings.Join(paths, "</pathSet><pathSet>") + "</pathSet>"
}

func rawRetrieve(c *govmomi.Client, v types.ManagedObjectReference, paths []string) int64 {
	bytes, err := post(c, fmt.Sprintf(`<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">%s</_this>`+
		`<specSet><propSet><type>VirtualMachine</type>%s</propSet>`+
		`<objectSet><obj type="ContainerView">%s</obj><skip>true</skip>`+
		`<selectSet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path></selectSet>`+
		`</objectSet></specSet><options></options></RetrievePropertiesEx>`,
		c.ServiceContent.PropertyCollector.Value, pathSet(paths), v.Value))
	check(err)
	return bytes
}

const timeBody = `<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>`

func oneBody(c *govmomi.Client, vm types.ManagedObjectReference) string {
	return fmt.Sprintf(`<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">%s</_this>`+
		`<specSet><propSet><type>VirtualMachine</type>%s</propSet>`+
		`<objectSet><obj type="VirtualMachine">%s</obj></objectSet></specSet><options></options></RetrievePropertiesEx>`,
		c.ServiceContent.PropertyCollector.Value,
		pathSet([]string{"name", "runtime.powerState", "summary"}), vm.Value)
}

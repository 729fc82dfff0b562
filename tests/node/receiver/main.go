// Command receiver takes requests over https and shows what it took.
//
// Every request on the https port is recorded and answered with 200 and a JSON
// object: the number of the request, counted from 1, and what it was told to
// answer. The other port, in the clear, is for the test that looks:
//
//	GET    /requests   every recorded request, as a JSON array
//	DELETE /requests   forgets them
//	PUT    /failures   body: how many of the next requests are answered with 503
//	GET    /ready      200 once both ports listen
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A request whose body is larger is refused, so that a mistake cannot fill the memory.
const largestBody = 1 << 20

// Request is what is kept of a request.
type Request struct {
	Number  int               `json:"number"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Status  int               `json:"status"`
	At      time.Time         `json:"at"`
}

// Record is what arrived so far, and how often to fail from now on.
type Record struct {
	mutex    sync.Mutex
	requests []Request
	failures int
}

// receive keeps a request and answers it.
func (record *Record) receive(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, largestBody))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	headers := map[string]string{}
	for name, values := range request.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	kept := Request{
		Method: request.Method, Path: request.URL.RequestURI(), Headers: headers, Body: string(body),
		Status: http.StatusOK, At: time.Now().UTC(),
	}
	record.mutex.Lock()
	if record.failures > 0 {
		record.failures--
		kept.Status = http.StatusServiceUnavailable
	}
	kept.Number = len(record.requests) + 1
	record.requests = append(record.requests, kept)
	record.mutex.Unlock()
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(kept.Status)
	fmt.Fprintf(writer, `{"run":{"id":"run-%d"}}`, kept.Number)
	log.Printf("%s %s: %d", kept.Method, kept.Path, kept.Status)
}

// show answers with everything that was recorded.
func (record *Record) show(writer http.ResponseWriter, _ *http.Request) {
	record.mutex.Lock()
	requests := append([]Request{}, record.requests...)
	record.mutex.Unlock()
	writer.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(writer).Encode(requests); err != nil {
		log.Printf("show the requests: %v", err)
	}
}

func (record *Record) forget(http.ResponseWriter, *http.Request) {
	record.mutex.Lock()
	record.requests = nil
	record.mutex.Unlock()
}

// fail sets how many requests are refused.
func (record *Record) fail(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, largestBody))
	if err == nil {
		record.mutex.Lock()
		record.failures, err = strconv.Atoi(strings.TrimSpace(string(body)))
		record.mutex.Unlock()
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
	}
}

func main() {
	certificate := flag.String("certificate", "/tls/tls.crt", "the certificate of the https port")
	key := flag.String("key", "/tls/tls.key", "its key")
	address := flag.String("listen", ":8443", "where requests are taken")
	shown := flag.String("show", ":8080", "where they are shown")
	flag.Parse()
	record := &Record{}
	taken, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	control := http.NewServeMux()
	control.HandleFunc("GET /requests", record.show)
	control.HandleFunc("DELETE /requests", record.forget)
	control.HandleFunc("PUT /failures", record.fail)
	control.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	go func() { log.Fatal(http.ListenAndServe(*shown, control)) }()
	log.Printf("taking requests on %s, showing them on %s", *address, *shown)
	log.Fatal(http.ServeTLS(taken, http.HandlerFunc(record.receive), *certificate, *key))
}

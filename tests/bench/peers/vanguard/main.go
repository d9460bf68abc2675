// vanguard-go as a bridge: gRPC-Web from callers, gRPC to the upstream, in front of Go's reverse proxy.
//
//	vanguard HOST:PORT DESCRIPTORS
//
// It needs the services' descriptors (a file of a FileDescriptorSet), and prints the address that it listens on.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"connectrpc.com/vanguard"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	services, err := services(os.Args[2], upstream(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	transcoder, err := vanguard.NewTranscoder(services)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{
		Handler:   transcoder,
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 1000},
	}
	log.Fatal(server.Serve(listener))
}

// upstream forwards requests over one connection of HTTP/2, and each piece of a response at once.
func upstream(address string) http.Handler {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	target := &url.URL{Scheme: "http", Host: address}
	return &httputil.ReverseProxy{
		Rewrite:       func(request *httputil.ProxyRequest) { request.SetURL(target) },
		Transport:     &http.Transport{Protocols: protocols},
		FlushInterval: -1,
	}
}

// services reads the descriptors, and returns each service in front of the handler.
func services(path string, handler http.Handler) ([]*vanguard.Service, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(bytes, set); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	var services []*vanguard.Service
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for index := range file.Services().Len() {
			services = append(services, vanguard.NewServiceWithSchema(
				file.Services().Get(index),
				handler,
				vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
				vanguard.WithTargetCodecs(vanguard.CodecProto),
			))
		}
		return true
	})
	return services, nil
}

// connect-go as a server of gRPC-Web: the unary method that is measured, hosted. It prints the address that it listens on.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	const path = "/greet.Greeter/SayHello"
	mux := http.NewServeMux()
	mux.Handle(path, connect.NewUnaryHandler(path, sayHello))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{
		Handler:   mux,
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 1000},
	}
	log.Fatal(server.Serve(listener))
}

// sayHello answers with the name. Request and response have one string in field 1, as StringValue has.
func sayHello(
	_ context.Context,
	request *connect.Request[wrapperspb.StringValue],
) (*connect.Response[wrapperspb.StringValue], error) {
	return connect.NewResponse(wrapperspb.String(request.Msg.GetValue())), nil
}

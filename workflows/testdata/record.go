// Record writes a workflow's history as a replay fixture:
//
//	go run ./workflows/testdata/record.go --id sync-129-… > workflows/testdata/replay/sync_completed.json
//
// Record from a released build, never from the code under test: the fixture
// says what running workflows expect (see docs/operations.md).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7233", "Temporal's address")
	namespace := flag.String("namespace", "default", "namespace")
	id := flag.String("id", "", "workflow id")
	run := flag.String("run", "", "run id; default the latest")
	flag.Parse()
	if err := record(context.Background(), *addr, *namespace, *id, *run); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, addr, namespace, id, run string) error {
	cl, err := client.DialContext(ctx, client.Options{HostPort: addr, Namespace: namespace})
	if err != nil {
		return err
	}
	defer cl.Close()
	var h history.History
	for it := cl.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			return err
		}
		h.Events = append(h.Events, event)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(raw, '\n'))
	return err
}

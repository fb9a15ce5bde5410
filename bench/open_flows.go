package main

import (
	"context"
	"io"
)

func openFlows(context.Context, []string, io.Writer) error { return nil }

package temporalx

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	schedulepb "go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// oneSchedule is a service that has one schedule.
type oneSchedule struct {
	client.Client
	scheduleService
}

func (o oneSchedule) WorkflowService() workflowservice.WorkflowServiceClient {
	return o.scheduleService
}

type scheduleService struct {
	workflowservice.WorkflowServiceClient
	info *schedulepb.ScheduleInfo
	err  error
}

func (d scheduleService) DescribeSchedule(_ context.Context, in *workflowservice.DescribeScheduleRequest, _ ...grpc.CallOption) (*workflowservice.DescribeScheduleResponse, error) {
	if in.GetNamespace() != "ns" || in.GetScheduleId() != "nightly" {
		return nil, serviceerror.NewNotFound("none")
	}
	return &workflowservice.DescribeScheduleResponse{Info: d.info}, d.err
}

func TestCountsOfASchedule(t *testing.T) {
	made := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	service := oneSchedule{scheduleService: scheduleService{info: &schedulepb.ScheduleInfo{ActionCount: 1, MissedCatchupWindow: 2, OverlapSkipped: 3, BufferDropped: 4, CreateTime: timestamppb.New(made)}}}
	s := NewSchedules(service, nil, "ns", "orgflow")
	got, err := s.count(t.Context(), "nightly")
	if d := cmp.Diff(ScheduleCounts{Made: made, Starts: 1, Late: 2, Skipped: 3, Dropped: 4}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := s.count(t.Context(), "other"); !errors.Is(err, ErrNoSchedule) {
		t.Errorf("one that is not there: %v", err)
	}
	service.err = serviceerror.NewUnavailable("away")
	if _, err := NewSchedules(service, nil, "ns", "orgflow").count(t.Context(), "nightly"); err == nil || errors.Is(err, ErrNoSchedule) {
		t.Errorf("could not be asked: %v", err)
	}
}

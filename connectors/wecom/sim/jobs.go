package wcsim

import (
	"orgflow/connectors/simctl"
)

type job struct {
	ID string `json:"id"`
}

func (d *directory) putJob(j *job)                                  {}
func (s *Sim) upload(_ *simctl.Call, _ *args) simctl.Answer         { return failed(coded(-1)) }
func (s *Sim) syncUsers(_ *simctl.Call, _ *args) simctl.Answer      { return failed(coded(-1)) }
func (s *Sim) replaceUsers(_ *simctl.Call, _ *args) simctl.Answer   { return failed(coded(-1)) }
func (s *Sim) replaceParties(_ *simctl.Call, _ *args) simctl.Answer { return failed(coded(-1)) }
func (s *Sim) jobResult(_ *simctl.Call, _ *args) simctl.Answer      { return failed(coded(-1)) }

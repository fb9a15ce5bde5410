package doctor

import (
	"context"
	"errors"
	"strings"

	"orgflow"
)

// Faulted says what an error means to somebody who runs orgflow. A problem of
// a file is a finding of its own; check names what was tried.
func Faulted(check string, err error) []Finding {
	if invalid, ok := errors.AsType[*orgflow.InvalidError](err); ok {
		return problems(check, invalid.Problems)
	}
	f := orgflow.AsFault(err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(f.Err, context.DeadlineExceeded) {
		f = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "no answer in time", Advice: adviceSilent}
	}
	if f.Code == orgflow.CodeThrottled && f.VendorCode == "" { // nothing was asked, so nothing is known
		return []Finding{{State: Warning, Check: check, Found: faultText(f), Advice: adviceBudget}}
	}
	return []Finding{{State: Failed, Check: check, Found: faultText(f), Advice: f.Advice}}
}

// faultText is a fault on one line without its advice.
func faultText(f *orgflow.Fault) string {
	bare := *f
	bare.Advice = ""
	text := bare.Error()
	if f.Code == orgflow.CodeInternal && f.VendorCode == "" { // the code would say nothing
		text = f.Message
	}
	return strings.Join(strings.Fields(text), " ")
}

const (
	adviceReference = "set it for the workers, the server, and wherever this command is run"
	adviceBudget    = "a run uses the rate budget up, or the vendor has made all calls pause: starter runs list tells; ask again when it is over"
	adviceSilent    = "see whether the other side is up, and whether a firewall drops what is sent there"
)

func problems(check string, list []orgflow.Problem) []Finding {
	out := make([]Finding, len(list))
	for i, p := range list {
		out[i] = Finding{State: Failed, Check: check, Found: p.String()}
		if p.Warning {
			out[i].State = Warning
		}
		if strings.Contains(p.Message, "refers to ${") {
			out[i].Advice = adviceReference
		}
	}
	return out
}

package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// staffList is a local organisation pulled from DingTalk, whose people are
// bound to the source and, at WeCom, again.
type staffList struct {
	origin error
	lookup error
}

func (s staffList) OrgOrigin(context.Context, int64) (string, error) { return "ding_talk", s.origin }

func (s staffList) UserByCode(_ context.Context, _ int64, code string) (orgflow.OrgMember, error) {
	switch {
	case s.lookup != nil:
		return orgflow.OrgMember{}, s.lookup
	case code == "twice":
		return orgflow.OrgMember{}, fmt.Errorf("user code: %w", store.ErrAmbiguous)
	case code == "nobody":
		return orgflow.OrgMember{}, fmt.Errorf("user code: %w", store.ErrNotFound)
	}
	return orgflow.OrgMember{UserID: "ding-" + code, JobNumber: code}, nil
}

func (staffList) BoundRemote(_ context.Context, t orgflow.Target, keys []orgflow.RemoteKey) (map[orgflow.RemoteKey]orgflow.Binding, error) {
	out := map[orgflow.RemoteKey]orgflow.Binding{}
	if k := keys[0]; t.Consumer == "ding_talk" && k.ID != "ding-unbound" {
		out[k] = orgflow.Binding{SourceID: "source-" + k.ID}
	}
	return out, nil
}

func (staffList) BindingIDs(_ context.Context, t orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error) {
	out := map[orgflow.RecordKey]string{}
	if k := keys[0]; t.Consumer == "we_com" && k.ID != "source-ding-E7" {
		out[k] = "we-" + k.ID
	}
	return out, nil
}

func TestPeopleAreFoundAtAChannel(t *testing.T) {
	broken := errors.New("the database is away")
	for _, tc := range []struct {
		name, channel, code, want string
		fault                     orgflow.Code
		staff                     staffList
		err                       error
	}{
		{name: "at the origin", channel: "ding_talk", code: "E5", want: "ding-E5"},
		{name: "elsewhere, by the source's record", channel: "we_com", code: "E5", want: "we-source-ding-E5"},
		{name: "elsewhere, not bound there", channel: "we_com", code: "E7", want: "E7"},
		{name: "elsewhere, not bound here", channel: "we_com", code: "unbound", want: "unbound"},
		{name: "nobody has the code", channel: "ding_talk", code: "nobody", fault: orgflow.CodeNotFound},
		{name: "several have it", channel: "we_com", code: "twice", fault: orgflow.CodeConflict},
		{name: "never pulled", channel: "we_com", code: "E5", want: "E5", staff: staffList{origin: store.ErrNotFound}},
		{name: "the organisation cannot be read", channel: "ding_talk", code: "E5", staff: staffList{origin: broken}, err: broken},
		{name: "the person cannot be read", channel: "ding_talk", code: "E5", staff: staffList{lookup: broken}, err: broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := LocalPeople{tc.staff}.ConsumerID(t.Context(), orgflow.Target{CompanyID: company, Consumer: tc.channel}, tc.code)
			f, _ := errors.AsType[*orgflow.Fault](err)
			if got != tc.want || tc.fault != "" && (f == nil || f.Code != tc.fault) || tc.fault == "" && !errors.Is(err, tc.err) {
				t.Errorf("%q, %v; want %q, %q, %v", got, err, tc.want, tc.fault, tc.err)
			}
		})
	}
}

// Who could not be looked up is not nobody: the message stays.
func TestAReceiverWhoCannotBeLookedUpIsTriedAgain(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.messages.People = LocalPeople{staffList{lookup: errors.New("the database is away")}}
	w.enqueue(w.write("E1", "RW1", "编号"))
	for range 2 * strangeTries {
		if got := w.send(); got.Count.Dead > 0 {
			t.Fatal(w.rows())
		}
		w.pass(longBackoff)
	}
	w.messages.People = codes{}
	if total := w.settle(); total.Delivered != 1 {
		t.Errorf("%+v %q", total, w.rows())
	}
}

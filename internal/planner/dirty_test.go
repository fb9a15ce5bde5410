package planner

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orgflow"
)

// soil makes a good input bad in ways sources are: parents that do not exist
// or form circles, ids and values that occur twice, names and references a
// consumer refuses; and jobs that may do only a part.
func soil(t *rapid.T, in *Input) {
	ids := []string{"1", "10", "11", "12", "13", "14", "77"}
	for i := range in.Orgs.Records {
		it := &in.Orgs.Records[i]
		if it.ParentID == "" || rapid.IntRange(0, 2).Draw(t, "soil department") > 0 {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(t, "dirt") {
		case 0:
			it.ParentID = rapid.SampledFrom(ids).Draw(t, "parent")
			it.Payload.Fields["parent_id"] = orgflow.Ref(orgflow.Org, it.ParentID)
		case 1:
			it.Payload.Fields["name"] = rapid.SampledFrom([]string{"甲", "乙", " 甲", "甲-乙", "", "一二三四五六七八九十一二三四五六七八九十"}).Draw(t, "name")
		case 2:
			it.Payload.Fields["leaders"] = leader("100") + "," + leader("999")
		case 3:
			it.Issue = "the template refused it"
		case 4:
			in.Orgs.Records = append(slices.Clone(in.Orgs.Records), *it)
		}
	}
	for i := range in.People.Records {
		it := &in.People.Records[i]
		if rapid.IntRange(0, 2).Draw(t, "soil person") > 0 {
			continue
		}
		field, value := rapid.SampledFrom([]string{"mobile", "email", "userid", "depts", "manager", "name", "telephone"}).Draw(t, "field"), any(nil)
		switch field {
		case "mobile":
			value = "1000000000" + rapid.SampledFrom([]string{"0", "1", "2"}).Draw(t, "mobile")
		case "email", "telephone":
			value = rapid.SampledFrom([]any{nil, "e0@example.com", "t1"}).Draw(t, "value")
		case "userid":
			value = rapid.SampledFrom([]string{"E100", "E101", "E9"}).Draw(t, "userid")
		case "depts":
			value = orgflow.Ref(orgflow.Org, rapid.SampledFrom(ids).Draw(t, "dept"))
		case "manager":
			value = leader(rapid.SampledFrom([]string{"100", "101", "999"}).Draw(t, "manager"))
		case "name":
			value = rapid.SampledFrom([]any{nil, "新名"}).Draw(t, "name")
		}
		it.Payload.Fields[field] = value
		if value == nil && rapid.Bool().Draw(t, "silent") {
			delete(it.Payload.Fields, field)
		}
	}
	soilJob(t, in)
}

func soilJob(t *rapid.T, in *Input) {
	p := &in.Job.Params
	if rapid.IntRange(0, 3).Draw(t, "limit") == 0 {
		p.DeleteLimit = &orgflow.DeleteLimit{Percent: 1, Count: 1}
	}
	if rapid.IntRange(0, 3).Draw(t, "report") == 0 {
		p.MobileChange = orgflow.MobileReport
	}
	if rapid.IntRange(0, 3).Draw(t, "some") == 0 {
		p.SourceIDs = []string{"10", "11", "100", "101", "102"}
	}
	p.Mode = rapid.SampledFrom([]orgflow.Mode{orgflow.Incremental, orgflow.Incremental, orgflow.Full}).Draw(t, "mode")
	for _, side := range []*Side{&in.Orgs, &in.People} {
		if rapid.IntRange(0, 4).Draw(t, "partial") == 0 {
			side.Complete, side.Cause = false, "page 2 repeated"
		}
		if rapid.IntRange(0, 4).Draw(t, "few operations") == 0 {
			side.Ops = rapid.SliceOfDistinct(rapid.SampledFrom(allOps), rapid.ID[orgflow.Op]).Draw(t, "operations")
		}
		if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
			*side = Side{}
		}
	}
}

// TestDirtySourcesNeverMeetARefusal: whatever is wrong with the source and
// whatever the job leaves out, nothing is sent that the consumer refuses,
// what is left out has a reason, and equal inputs give equal plans.
func TestDirtySourcesNeverMeetARefusal(t *testing.T) {
	profile := modelProfile(6, 4)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		e.run(t, modelInput(drawCompany(t, "clean", profile), profile), shuffle)
		for _, label := range []string{"first", "second", "third"} {
			in := modelInput(drawCompany(t, label, profile), profile)
			soil(t, &in)
			filled := e.fill(in)
			a, errA := Build(filled)
			b, errB := Build(e.fill(in))
			if errA != nil || errB != nil {
				t.Fatalf("Build: %v, %v", errA, errB)
			}
			hashA, _ := a.Hash()
			if hashB, _ := b.Hash(); hashA != hashB {
				t.Fatalf("two plans of one input:\n%s\n%s", show(a), show(b))
			}
			for _, ch := range e.run(t, in, shuffle).Changes {
				if ch.State != orgflow.Planned && ch.Reason == "" {
					t.Fatalf("%s of %s is %s without a reason", ch.Op, ch.Key(), ch.State)
				}
			}
		}
	})
}

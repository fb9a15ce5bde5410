package store_test

import (
	"context"
	"fmt"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// largeOrganisation has so many departments and members, each of these in one.
func largeOrganisation(departments, members int) orgflow.OrgTree {
	tree := orgflow.OrgTree{Units: []orgflow.OrgUnit{{RemoteID: "1", Name: "示例公司"}}}
	for i := 1; i < departments; i++ {
		tree.Units = append(tree.Units, orgflow.OrgUnit{RemoteID: fmt.Sprint(1000 + i), ParentRemoteID: "1", Name: fmt.Sprintf("部门%d", i)})
	}
	for i := range members {
		m := orgflow.OrgMember{
			UserID: fmt.Sprintf("manager%04d-%d", i%10_000, i), JobNumber: fmt.Sprintf("N%06d", i), Name: fmt.Sprintf("员工%d", i),
			Title: "工程师", Mobile: fmt.Sprintf("100%08d", 37*i), Active: true,
		}
		tree.Members = append(tree.Members, m)
		unit := tree.Units[i%departments].RemoteID
		tree.Seats = append(tree.Seats, orgflow.OrgSeat{UnitRemoteID: unit, UserID: m.UserID, Main: true})
	}
	return tree
}

// BenchmarkSearchMembers searches an organisation of 20,000 people, of whom
// 5,000 were changed by each of three pulls after the first. What nobody has
// is the slowest: everybody is looked at.
func BenchmarkSearchMembers(b *testing.B) {
	ctx := context.Background()
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			s := openMigrated(b, databases[name](b))
			for version := range int64(4) {
				tree := largeOrganisation(3000, 20_000)
				for i := range 5000 * version {
					tree.Members[i].Title = fmt.Sprint("工程师", version)
				}
				n := store.NewVersion{PullID: fmt.Sprint("pull-", version), Target: target, Base: version, Tree: tree, Changes: map[orgflow.Kind]orgflow.OrgCount{}}
				if _, err := s.CommitVersion(ctx, n); err != nil {
					b.Fatal(err)
				}
			}
			for _, q := range []struct {
				what, text string
				found      int
			}{
				{"nobody", "欧阳无名", 0}, {"one", "N019999", 1}, {"mobile", "10000739", 27}, {"latin", "MANAGER0003-1", 1}, {"many", "员工", 50},
			} {
				b.Run(q.what, func(b *testing.B) {
					for b.Loop() {
						people, _, err := s.SearchMembers(ctx, target, q.text, "", 50)
						if err != nil || len(people) != q.found {
							b.Fatalf("%q found %d, %v", q.text, len(people), err)
						}
					}
				})
			}
		})
	}
}

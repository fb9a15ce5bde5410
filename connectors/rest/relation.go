package rest

import (
	"context"
	"maps"
	"slices"

	"orgflow"
	"orgflow/connectors"
)

// relate makes the relations of a record true: what is wanted and not there
// is added, what is there and not wanted removed. Both can be repeated, so
// that a relation in doubt needs nothing else. before is what was read of
// the record, nil for one not read; a record just created has none.
func (c *Client) relate(ctx context.Context, out *connectors.Receipt, r *record, before *found) error {
	for _, name := range slices.Sorted(maps.Keys(r.set)) {
		f := r.entity.Fields[name]
		if f.Relation == nil {
			continue
		}
		wanted := texts(r.set[name])
		var present []string
		if r.op != orgflow.Insert {
			got, err := c.related(ctx, out, r, f, before)
			if err != nil {
				return err
			}
			present = got
		}
		if err := c.adjust(ctx, out, r, f.Relation, wanted, present); err != nil {
			return err
		}
	}
	return nil
}

// related reads the entries a record has now.
func (c *Client) related(ctx context.Context, out *connectors.Receipt, r *record, f Field, before *found) ([]string, error) {
	if before == nil {
		got, err := c.get(ctx, out, r)
		if err != nil {
			return nil, err
		}
		if got == nil {
			return nil, c.gone().fault
		}
		before = got
	}
	list, _ := at(before.body, f.Read)
	return texts(list), nil
}

func (c *Client) adjust(ctx context.Context, out *connectors.Receipt, r *record, rel *Relation, wanted, present []string) error {
	steps := []struct {
		call *Call
		list []string
	}{{rel.Add, without(wanted, present)}, {rel.Remove, without(present, wanted)}}
	for _, step := range steps {
		for _, item := range step.list {
			s := one{base{client: c}, r}.with("item", item)
			_, no, err := c.try(ctx, out, request{call: step.call, scope: s, write: true, op: r.op})
			switch {
			case err != nil:
				return err
			case no != nil && no.action == Gone && step.call == rel.Remove:
				continue
			case no != nil && no.action == Gone:
				return &orgflow.Fault{
					Code: orgflow.CodeBlocked, VendorCode: no.fault.VendorCode, Field: "relation",
					Message: "what the record is to be put into is not at " + c.name, Advice: "it must be created first",
				}
			case no != nil:
				return no.fault
			}
		}
	}
	return nil
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, one := range list {
		out = append(out, plain(one))
	}
	return out
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" || slices.Contains(drop, s) })
}

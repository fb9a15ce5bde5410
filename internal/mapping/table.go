package mapping

import (
	"cmp"
	"fmt"
	"time"

	"orgflow"
)

// Answers to a miss in value_map and lookup.
const (
	missKeep  = "keep"
	missNull  = "null"
	missError = "error"
)

func (l *linter) onMiss(given, fallback, at string) string {
	switch given {
	case "":
		return fallback
	case missKeep, missNull, missError:
		return given
	}
	l.addf(at+"/on_miss", "unknown on_miss %q; allowed: keep, null, error (default %s)", given, fallback)
	return fallback
}

// buildValueMap translates codes; keys are compared as text.
func buildValueMap(l *linter, t Transform, at string) step {
	miss := l.onMiss(t.OnMiss, missKeep, at)
	if len(t.Map) == 0 {
		l.addf(at+"/map", "value_map needs a map from source codes to values")
	}
	table := make(map[string]any, len(t.Map))
	for key, raw := range t.Map {
		at := at + "/map/" + pointer(key)
		table[l.text(key, at)] = l.literal(raw, at)
	}
	return each(func(_ *scope, v any) (any, error) {
		key, ok := scalarText(v)
		if !ok {
			return nil, fmt.Errorf("value_map works on codes, not on %s", describe(v))
		}
		if to, ok := table[key]; ok {
			return to, nil
		}
		switch miss {
		case missNull:
			return nil, nil
		case missError:
			return nil, fmt.Errorf("%s is no code of value_map; add it, or set on_miss to keep or null", describe(v))
		}
		return v, nil
	})
}

func buildDate(l *linter, t Transform, at string) step {
	d := dater{in: commonLayouts(), out: layout{pattern: "2006-01-02"}, zone: defaultZone()}
	if len(t.In) > 0 {
		d.in = nil
		for _, text := range t.In {
			in, err := parseLayout(text)
			if err != nil {
				l.addf(at+"/in", "%v", err)
			}
			d.in = append(d.in, in)
		}
	}
	if t.Out != "" {
		out, err := parseLayout(t.Out)
		if err != nil {
			l.addf(at+"/out", "%v", err)
		}
		d.out = out
	}
	if t.TZ != "" {
		zone, err := time.LoadLocation(t.TZ)
		if err != nil {
			l.addf(at+"/tz", "unknown time zone %q; allowed: IANA names such as Asia/Shanghai (the default)", t.TZ)
		} else {
			d.zone = zone
		}
	}
	return each(func(_ *scope, v any) (any, error) { return d.convert(v) })
}

// buildLookup resolves a reference through another model (HCM reference
// § 3.1). A miss empties the field with a warning unless on_miss says
// otherwise.
func buildLookup(l *linter, t Transform, at string) step {
	miss := l.onMiss(t.OnMiss, missNull, at)
	if l.lookup == nil {
		l.addf(at+"/op", "lookup is not available here: no source to look records up in was given")
	}
	if t.Model == "" {
		l.addf(at+"/model", "lookup needs a model, e.g. \"Employee\"")
	}
	by, emit, sep := cmp.Or(t.By, "id"), cmp.Or(t.Emit, "name"), cmp.Or(t.Sep, "&")
	p := l.path([]string{emit}, at+"/emit")
	find := l.lookup
	return each(func(sc *scope, v any) (any, error) {
		text, ok := scalarText(v)
		if !ok {
			return nil, fmt.Errorf("lookup works on one value, not on %s", describe(v))
		}
		record, found, err := find(t.Model, by, text)
		if err != nil {
			return nil, fmt.Errorf("lookup in %s failed: %w", t.Model, err)
		}
		var result any
		if found {
			result, err = emitted(record, p, sep, t.WithParent)
		}
		if err != nil || result != nil {
			return result, err
		}
		switch miss {
		case missError:
			return nil, fmt.Errorf("lookup: no record of %s with this %s has a %s", t.Model, by, emit)
		case missKeep:
			return v, nil
		}
		sc.issues = append(sc.issues, Issue{Message: fmt.Sprintf("lookup: no record of %s with this %s has a %s; left empty", t.Model, by, emit)})
		return nil, nil
	})
}

// emitted takes the wanted field of a record that was looked up, with the
// parent's in front if asked: codes whose names repeat are told apart so.
func emitted(record map[string]any, p path, sep string, withParent bool) (any, error) {
	obj, _ := plain(record).(map[string]any)
	result, err := clean(p.from(obj))
	if err != nil || result == nil || !withParent {
		return result, err
	}
	parent, _ := obj["parent"].(map[string]any)
	above, err := clean(p.from(parent))
	if err != nil {
		return nil, err
	}
	a, okA := scalarText(above)
	b, okB := scalarText(result)
	if !okA || !okB {
		return result, nil
	}
	return a + sep + b, nil
}

// buildBind replaces a source id by the symbolic reference to the record's
// id at the consumer. Id 0 refers to nothing, as the gateway writes roots.
func buildBind(l *linter, t Transform, at string) step {
	kind := orgflow.Kind(t.Kind)
	if kind != orgflow.Org && kind != orgflow.Person {
		l.addf(at+"/kind", "unknown kind %q; allowed: org, person", t.Kind)
	}
	if !l.template {
		l.addf(at+"/op", "bind belongs to templates; a fetch meta stores source ids")
	}
	return eachText("bind", func(id string) (any, error) {
		if id == "" || id == "0" {
			return nil, nil
		}
		return orgflow.Ref(kind, id), nil
	})
}

func buildCast(l *linter, t Transform, at string) step {
	if t.To == "" || !knownType(t.To) {
		l.addf(at+"/to", "unknown type %q; allowed: %s", t.To, allowedTypes)
	}
	c := newConversion(t.To, "")
	return step{run: func(_ *scope, v any) (any, error) { return c.to(v) }}
}

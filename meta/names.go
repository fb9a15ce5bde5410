package meta

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"orgflow/schemas"
)

// plainName is what a state may be: it becomes part of a file name.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return schemas.Quoted(names)
}

// unknown says what a name may be instead.
func unknown(what, name string, known iter.Seq[string]) string {
	names := slices.Sorted(known)
	return fmt.Sprintf("unknown %s %q; known: %s%s", what, name, listed(names), schemas.DidYouMean(name, names))
}

// metaName is the file name of a fetch meta; no variant is the default list.
func metaName(model, variant string) string {
	if variant == "" {
		return model + ".meta.list.json"
	}
	return model + ".meta.list." + variant + ".json"
}

func templateName(class, service string) string { return class + "." + service + ".json" }

// standardName accepts a standard format's name with and without ".json".
func standardName(name string) string { return strings.TrimSuffix(name, ".json") + ".json" }

// cutPointer cuts a leading part of a JSON pointer, whole segments only.
func cutPointer(pointer, head string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(pointer, head)
	return rest, ok && (rest == "" || rest[0] == '/')
}

package app

import (
	"slices"
	"sync"

	"orgflow"
	"orgflow/internal/api"
)

// treesKept is how many trees a process keeps: one of 3,000 departments takes
// half a megabyte.
const treesKept = 8

// trees keeps the trees that were asked for last. A version never changes, so
// that what is kept is never old. Whoever gets a tree must not change it.
type trees struct {
	mu   sync.Mutex
	kept []keptTree // the one used last at the end
}

type keptTree struct {
	target  orgflow.Target
	version int64
	root    api.OrgNode
}

func (t *trees) get(target orgflow.Target, version int64) (api.OrgNode, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.kept, func(k keptTree) bool { return k.target == target && k.version == version })
	if i < 0 {
		return api.OrgNode{}, false
	}
	found := t.kept[i]
	t.kept = append(slices.Delete(t.kept, i, i+1), found)
	return found.root, true
}

func (t *trees) put(target orgflow.Target, version int64, root api.OrgNode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == treesKept {
		t.kept = slices.Delete(t.kept, 0, 1)
	}
	t.kept = append(t.kept, keptTree{target, version, root})
}

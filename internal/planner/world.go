package planner

import "orgflow"

// world is the consumer's department tree while the plan is tried on it.
type world struct {
	at   map[string]place
	kids map[string]map[string]bool
	name map[place]string
}

func (b *builder) newWorld() *world {
	w := &world{map[string]place{}, map[string]map[string]bool{}, map[place]string{}}
	for _, r := range b.remoteOrgs {
		w.put("="+r.ConsumerID, b.remotePlace(r))
	}
	for id, at := range b.here {
		w.put(id, at)
	}
	return w
}

func (w *world) put(id string, to place) {
	w.remove(id)
	w.at[id] = to
	if w.kids[to.parent] == nil {
		w.kids[to.parent] = map[string]bool{}
	}
	w.kids[to.parent][id] = true
	w.name[to.slot()] = id
}

func (w *world) remove(id string) {
	at, known := w.at[id]
	if !known {
		return
	}
	delete(w.at, id)
	delete(w.kids[at.parent], id)
	if w.name[at.slot()] == id {
		delete(w.name, at.slot())
	}
}

// scene is one wave on the world: where those who move may stand at either
// place.
type scene struct {
	*world
	moves    []*draft
	arriving map[string][]string // by new parent
	parents  map[string]string   // new parents of those who change theirs
	names    map[place]int       // how many take a name

	above, below map[string]int // levels counted so far
}

func (w *world) scene(wave []*draft, admit func(*draft) bool) *scene {
	s := &scene{world: w, arriving: map[string][]string{}, parents: map[string]string{}, names: map[place]int{}, above: map[string]int{}, below: map[string]int{}}
	for _, d := range wave {
		if !admit(d) || d.Kind != orgflow.Org || !d.places && d.Op != orgflow.Delete {
			continue
		}
		s.moves = append(s.moves, d)
		if d.Op == orgflow.Delete {
			continue
		}
		s.names[d.to.slot()]++
		if at, known := w.at[d.SourceID]; !known || at.parent != d.to.parent {
			s.arriving[d.to.parent] = append(s.arriving[d.to.parent], d.SourceID)
			s.parents[d.SourceID] = d.to.parent
		}
	}
	return s
}

// play makes the wave's changes true.
func (s *scene) play() {
	for _, d := range s.moves {
		if d.Op == orgflow.Delete {
			s.remove(d.SourceID)
		}
	}
	for _, d := range s.moves {
		if d.Op != orgflow.Delete {
			s.put(d.SourceID, d.to)
		}
	}
}

// isAbove tells whether a walk up from a department may meet another one.
func (s *scene) isAbove(from, wanted string) bool {
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == wanted {
			return true
		}
		s.upward(queue[0], func(next string) {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		})
	}
	return false
}

func (s *scene) upward(id string, visit func(string)) {
	if at, known := s.at[id]; known {
		visit(at.parent)
	}
	if to, moves := s.parents[id]; moves {
		visit(to)
	}
}

func (s *scene) downward(id string, visit func(string)) {
	for _, kid := range s.arriving[id] {
		visit(kid)
	}
	for kid := range s.kids[id] {
		visit(kid)
	}
}

// levels counts the longest way from a department up or down, itself
// included, no further than a little over limit. lengths keeps what is known
// already; a way that comes back to itself is as long as any.
func levels(lengths map[string]int, from string, limit int, next func(string, func(string))) int {
	const open = -1
	stack := []string{from}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		switch lengths[id] {
		case 0:
			lengths[id] = open
			next(id, func(to string) {
				if lengths[to] == 0 {
					stack = append(stack, to)
				}
			})
		case open:
			longest := 0
			next(id, func(to string) {
				if n := lengths[to]; n == open {
					longest = limit
				} else {
					longest = max(longest, n)
				}
			})
			lengths[id] = min(longest, limit) + 1
			stack = stack[:len(stack)-1]
		default:
			stack = stack[:len(stack)-1]
		}
	}
	return lengths[from]
}

package approval

import (
	"reflect"
	"slices"
)

// clone copies a state so that nothing is shared with the original.
func (s *State) clone() *State {
	out := *s
	out.Tokens = cloneTokens(s.Tokens)
	out.Forks = slices.Clone(s.Forks)
	out.Visits = slices.Clone(s.Visits)
	for i := range out.Visits {
		v := &out.Visits[i]
		v.Seats, v.Timers, v.Chosen = slices.Clone(v.Seats), slices.Clone(v.Timers), slices.Clone(v.Chosen)
		if v.Override != nil {
			o := *v.Override
			o.Depts = slices.Clone(o.Depts)
			v.Override = &o
		}
	}
	out.Tasks = slices.Clone(s.Tasks)
	for i := range out.Tasks {
		out.Tasks[i].Urged = slices.Clone(s.Tasks[i].Urged)
	}
	out.Back = s.Back.clone()
	if s.Fault != nil {
		f := *s.Fault
		out.Fault = &f
	}
	return &out
}

func (b *Back) clone() *Back {
	if b == nil {
		return nil
	}
	return &Back{Version: b.Version, Tokens: cloneTokens(b.Tokens), Forks: slices.Clone(b.Forks)}
}

func cloneTokens(tokens []Token) []Token {
	out := slices.Clone(tokens)
	for i := range out {
		t := &out[i]
		t.Path, t.Chosen, t.Depts = slices.Clone(t.Path), slices.Clone(t.Chosen), slices.Clone(t.Depts)
		t.Back = t.Back.clone()
	}
	return out
}

// tidy makes empty lists absent ones, so that a state equals what is read back
// of it.
func (s *State) tidy() {
	tidyTokens(s.Tokens)
	absent(&s.Tokens)
	absent(&s.Forks)
	absent(&s.Visits)
	absent(&s.Tasks)
	for i := range s.Visits {
		v := &s.Visits[i]
		absent(&v.Seats)
		absent(&v.Timers)
		absent(&v.Chosen)
		if v.Override != nil {
			absent(&v.Override.Depts)
		}
	}
	for i := range s.Tasks {
		absent(&s.Tasks[i].Urged)
	}
	s.Back.tidy()
}

func (b *Back) tidy() {
	if b != nil {
		tidyTokens(b.Tokens)
		absent(&b.Forks)
	}
}

func tidyTokens(tokens []Token) {
	for i := range tokens {
		t := &tokens[i]
		absent(&t.Path)
		absent(&t.Chosen)
		absent(&t.Depts)
		t.Back.tidy()
	}
}

func absent[T any](list *[]T) {
	if len(*list) == 0 {
		*list = nil
	}
}

// changedVisits and changedTasks find what a step has written: those that are
// new or differ. Dropping the rows of an earlier round changes none of them.
func changedVisits(before, after *State) []Visit {
	var out []Visit
	for i := range after.Visits {
		v := &after.Visits[i]
		if old := before.visit(v.ID); old == nil || !reflect.DeepEqual(*old, *v) {
			out = append(out, *v)
		}
	}
	return out
}

func changedTasks(before, after *State) []Task {
	var out []Task
	for i := range after.Tasks {
		t := &after.Tasks[i]
		if old := before.task(t.ID); old == nil || !reflect.DeepEqual(*old, *t) {
			out = append(out, *t)
		}
	}
	return out
}

// visit returns the visit with an id, nil if this round has none.
func (s *State) visit(id int) *Visit {
	if s == nil {
		return nil
	}
	at, ok := slices.BinarySearchFunc(s.Visits, id, func(v Visit, id int) int { return v.ID - id })
	if !ok {
		return nil
	}
	return &s.Visits[at]
}

// task returns the task with an id, nil if this round has none.
func (s *State) task(id int) *Task {
	if s == nil {
		return nil
	}
	at, ok := slices.BinarySearchFunc(s.Tasks, id, func(t Task, id int) int { return t.ID - id })
	if !ok {
		return nil
	}
	return &s.Tasks[at]
}

// token returns the token with an id, nil if it is gone.
func (s *State) token(id int) *Token {
	at, ok := slices.BinarySearchFunc(s.Tokens, id, func(t Token, id int) int { return t.ID - id })
	if !ok {
		return nil
	}
	return &s.Tokens[at]
}

// tokenAt returns the token that waits for a visit, nil if none does.
func (s *State) tokenAt(visit int) *Token {
	for i := range s.Tokens {
		if s.Tokens[i].Stage == StageAt && s.Tokens[i].Visit == visit {
			return &s.Tokens[i]
		}
	}
	return nil
}

// tasksOf returns the ids of a visit's tasks, ascending.
func (s *State) tasksOf(visit int) []int {
	var ids []int
	for i := range s.Tasks {
		if s.Tasks[i].Visit == visit {
			ids = append(ids, s.Tasks[i].ID)
		}
	}
	return ids
}

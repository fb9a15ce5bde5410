package simctl

import (
	"fmt"
	"slices"
	"strings"
)

// OneOf refuses a switch that is none of the allowed values.
func OneOf[T comparable](name string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = fmt.Sprintf("%#v", a)
	}
	return fmt.Errorf("%s is %#v: allowed are %s", name, value, strings.Join(words, ", "))
}

// AtLeast refuses a switch below least.
func AtLeast(name string, value, least int) error {
	if value < least {
		return fmt.Errorf("%s is %d: at least %d is needed", name, value, least)
	}
	return nil
}

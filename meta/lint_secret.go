package meta

import (
	"strings"

	"orgflow/schemas"
)

// references checks a company's references to secrets, whatever else is wrong
// with its file.
func (l *lint) references(path string) {
	f, ok, err := l.store.read(path)
	if err != nil || !ok {
		return // complained about already
	}
	l.secrets(f, func(pointer, text string) {
		if _, err := l.store.expand(text); err != nil {
			l.warn(f, pointer, "%s", err)
		}
	})
}

// secrets warns of secrets that stand in a file, and shows every text of it
// to look.
func (l *lint) secrets(f file, look func(pointer, text string)) {
	var tree any
	if err := decodeNumbers(schemas.TrimBOM(f.raw), &tree); err != nil {
		return // complained about already
	}
	expandTree(tree, "", func(pointer, text string) string {
		look(pointer, text)
		if secretKey(pointer) && clearText(text) {
			l.warn(f, pointer, "holds a secret in clear text; write ${NAME} and set NAME in the environment, or ${file:/run/secrets/name}")
		}
		if clearPassword(text) {
			l.warn(f, pointer, "holds a password in clear text; write postgres://user:${NAME}@host/database and set NAME in the environment")
		}
		return text
	})
}

// secretKey tells whether a pointer's last key names a secret. An appkey is an
// id, whatever its name; a key is a secret where something is signed with it.
func secretKey(pointer string) bool {
	key := strings.ToLower(pointer[strings.LastIndexByte(pointer, '/')+1:])
	if key == "key" {
		return strings.HasSuffix(pointer, "/signing/key") || strings.HasSuffix(pointer, "/auth/key")
	}
	return namedSecret(key) && key != "appkey" && key != "app_key"
}

// clearText tells whether a text is neither a reference, nor a placeholder,
// nor a place in an answer ("/data/token").
func clearText(text string) bool {
	return text != "" && !strings.Contains(text, "${") && !placeholder.MatchString(text) && !strings.HasPrefix(text, "/")
}

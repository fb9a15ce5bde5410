package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"orgflow"
	"orgflow/schemas"
)

// FileName is a name that a company's files go by, and where it was found,
// in the order of looking: the company's own, then those of all companies,
// each as laid over by the overlay directory and as shipped.
type FileName struct {
	Name    string // below the company's directory: "schedules/nightly.json"
	Origins []FileOrigin
}

// FileOrigin is one file of a name.
type FileOrigin struct {
	Path    string // relative, "companies/129/company.json"
	Own     bool   // the company's, not that of all companies
	Layer   string // LayerOverlay or LayerShipped: where it lies
	SHA256  string
	Bytes   int
	Absent  bool   // {} counts as absent
	Used    bool   // the one that counts
	Trouble string // why it cannot be read
}

// folders of a company that hold files of their own kind.
var folders = []string{"flows", formsDir, "schedules"}

// Overview lists the files that a company may use and where each comes from.
// Company 0 has those of all companies only.
func (s *Store) Overview(company int64) []FileName {
	names := jsonFiles(s.list("."))
	if company > 0 {
		dir := strings.TrimSuffix(companyDir(company), "/")
		names = append(names, jsonFiles(s.list(dir))...)
		for _, folder := range folders {
			for _, name := range jsonFiles(s.list(dir + "/" + folder)) {
				names = append(names, folder+"/"+name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	out := make([]FileName, len(names))
	for i, name := range names {
		out[i] = FileName{Name: name, Origins: s.origins(company, name)}
	}
	return out
}

func jsonFiles(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasSuffix(n, ".json") })
}

func (s *Store) origins(company int64, name string) []FileOrigin {
	var out []FileOrigin
	found := false // a file that counts
	for _, place := range s.places(company, name) {
		hidden := false // by the overlay's file of the same path
		for _, layer := range []struct {
			name string
			fs   fs.FS
		}{{LayerOverlay, s.overlay}, {LayerShipped, s.shipped}} {
			if layer.fs == nil {
				continue
			}
			raw, err := fs.ReadFile(layer.fs, place)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			o := FileOrigin{Path: place, Own: strings.HasPrefix(place, "companies/"), Layer: layer.name, SHA256: orgflow.Hash(raw), Bytes: len(raw)}
			if err != nil {
				o.Trouble = reason(err)
			}
			o.Absent = err == nil && schemas.IsEmptyObject(raw)
			o.Used = !found && !hidden && !o.Absent
			found = found || o.Used
			hidden = true
			out = append(out, o)
		}
	}
	return out
}

// places are where a name is looked for.
func (s *Store) places(company int64, name string) []string {
	if company <= 0 {
		return []string{name}
	}
	own := companyDir(company) + name
	if path.Dir(name) != "." {
		return []string{own}
	}
	return []string{own, name}
}

// Content returns one file of the overview as it may be shown: indented, its
// keys in their order, with what may be a secret veiled (Veil); what is shipped
// holds none and is shown as it is. A file that is not in the overview is a fault with code not_found, one that is no JSON
// an *orgflow.InvalidError.
func (s *Store) Content(company int64, file, layer string) (string, error) {
	for _, name := range s.Overview(company) {
		for _, o := range name.Origins {
			if o.Path != file || o.Layer != layer {
				continue
			}
			from := s.shipped
			if layer == LayerOverlay {
				from = s.overlay
			}
			raw, err := fs.ReadFile(from, file)
			if err != nil {
				return "", configError(orgflow.Problem{File: file, Message: "cannot be read: " + reason(err)})
			}
			if len(raw) > maxFile {
				return "", configError(orgflow.Problem{File: file, Message: "is too large to be shown"})
			}
			text, err := indented(layer, schemas.TrimBOM(raw))
			if err != nil {
				return "", configError(orgflow.Problem{File: file, Message: "is no JSON, so that it is not known what of it may be shown; starter meta lint tells the line"})
			}
			return text, nil
		}
	}
	return "", orgflow.Faultf(orgflow.CodeNotFound, "there is no file %q in layer %q of company %d", file, layer, company)
}

func indented(layer string, raw []byte) (string, error) {
	if layer != LayerShipped {
		return Veil(raw)
	}
	var b bytes.Buffer
	err := json.Indent(&b, raw, "", "  ")
	return b.String(), err
}

// Command show prints the files below the folders that its arguments name, as a
// JSON object from path to text: what a step that comes later finds.
package main

import (
	"encoding/json"
	"io/fs"
	"log"
	"os"
	"path/filepath"
)

func main() {
	found := map[string]string{}
	for _, folder := range os.Args[1:] {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			found[path] = string(text)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

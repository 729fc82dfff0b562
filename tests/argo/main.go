// Asks what Argo CD would make of an object: by a health check in Lua, or by a jq path of ignoreDifferences, with the very
// libraries that Argo CD has. The object comes from standard input, the answer goes to standard output; both are JSON.
//
//	argo health FILE.lua
//	argo ignore JQ-PATH
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/itchyny/gojq"
	lua "github.com/yuin/gopher-lua"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("read the command line: write health FILE.lua or ignore JQ-PATH, not %q", arguments)
	}
	var object any
	if err := json.NewDecoder(os.Stdin).Decode(&object); err != nil {
		return fmt.Errorf("read the object: %w", err)
	}
	var answer any
	var err error
	switch arguments[0] {
	case "health":
		answer, err = health(arguments[1], object)
	case "ignore":
		answer, err = ignore(arguments[1], object)
	default:
		err = fmt.Errorf("read the command line: there is no %q", arguments[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

// health runs a check as Argo CD does: with a few libraries, and the object as `obj`.
func health(file string, object any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString}} {
		open := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(open, lua.LString(library.name)); err != nil {
			return nil, fmt.Errorf("open library %s: %w", library.name, err)
		}
	}
	state.SetGlobal("obj", value(state, object))
	if err := state.DoFile(file); err != nil {
		return nil, fmt.Errorf("run %s: %w", file, err)
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("run %s: it returns %s, not a table", file, state.Get(-1).Type())
	}
	answer := map[string]string{}
	table.ForEach(func(key, value lua.LValue) { answer[key.String()] = value.String() })
	return answer, nil
}

func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case bool:
		return lua.LBool(from)
	case float64:
		return lua.LNumber(from)
	case string:
		return lua.LString(from)
	case []any:
		table := state.NewTable()
		for _, item := range from {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range from {
			table.RawSetString(key, value(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// ignore takes out of the object what the path leads to.
func ignore(path string, object any) (any, error) {
	query, err := gojq.Parse("del(" + path + ")")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	answer, ok := query.Run(object).Next()
	if !ok {
		return nil, fmt.Errorf("ask %s: nothing comes out", path)
	}
	if err, ok := answer.(error); ok {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	return answer, nil
}

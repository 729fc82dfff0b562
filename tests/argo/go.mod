module argo

go 1.25

require (
	github.com/itchyny/gojq v0.12.20
	github.com/yuin/gopher-lua v1.1.2
)

require github.com/itchyny/timefmt-go v0.1.9 // indirect

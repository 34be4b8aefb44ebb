// Package config holds one struct of settings for each function. The deployment
// writes it into the function's environment, the function's main reads it: a
// misspelt variable can't exist.
//
// It promises that a function doesn't start without a setting that it needs, and
// that the error names them all. It leaves secrets where they are: a setting may
// name one, never hold it.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"time"
)

// Load reads T from the environment.
func Load[T any]() (T, error) { return read[T](os.LookupEnv) }

func read[T any](look func(string) (string, bool)) (T, error) {
	var t T
	var faults []error
	err := fields(reflect.ValueOf(&t).Elem(), func(f reflect.StructField, v reflect.Value) error {
		name, help := f.Tag.Get("env"), f.Tag.Get("help")
		text, _ := look(name)
		if text == "" && f.Tag.Get("optional") != "" {
			return nil
		}
		if text == "" {
			faults = append(faults, fmt.Errorf("%s is not set: %s", name, help))
			return nil
		}
		if err := parse(v, text); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
		return nil
	})
	return t, errors.Join(append(faults, err)...)
}

// Env is what Load reads: every variable of t with its value.
func Env(t any) map[string]string {
	all := map[string]string{}
	err := fields(reflect.ValueOf(t), func(f reflect.StructField, v reflect.Value) error {
		all[f.Tag.Get("env")] = fmt.Sprint(v.Interface())
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all
}

// Help tells what each variable of t is for.
func Help(t any) map[string]string {
	all := map[string]string{}
	err := fields(reflect.ValueOf(t), func(f reflect.StructField, _ reflect.Value) error {
		all[f.Tag.Get("env")] = f.Tag.Get("help")
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all
}

func fields(v reflect.Value, do func(reflect.StructField, reflect.Value) error) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if err := fields(v.Field(i), do); err != nil {
				return err
			}
			continue
		}
		if f.Tag.Get("env") == "" || f.Tag.Get("help") == "" {
			return fmt.Errorf("setting %s.%s has no env or no help", v.Type(), f.Name)
		}
		if err := do(f, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func parse(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case string:
		v.SetString(text)
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("write true or false")
		}
		v.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return errors.New("write a whole number from 1 on")
		}
		v.SetInt(int64(n))
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Minute {
			return errors.New("write a duration from 1m on, like 168h")
		}
		v.SetInt(int64(d))
	default:
		return fmt.Errorf("no setting can be a %s", v.Type())
	}
	return nil
}

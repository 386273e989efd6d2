"""A person's twin made a step at a time, each step's result kept in a folder to be looked at and changed.

`folder` is read by front ends (the Blender add-on) and needs numpy alone; the steps themselves need all of
the stages, and run in the command `bodyscan steps`.
"""

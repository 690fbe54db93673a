#!/bin/sh
logger done
